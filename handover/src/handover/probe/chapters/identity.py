"""Accounts, logins, sessions and permissions, by the system's own user model, hashers, engine and backends."""


def user_model():
    from django.contrib.auth import get_user_model

    return get_user_model()


def register(request):
    """Make an account through the model's own manager; fields that it demands on top get a plain text."""
    model = user_model()
    given = dict.fromkeys(model.REQUIRED_FIELDS, "proof")
    given.update({model.USERNAME_FIELD: request["username"], "password": request["password"]})
    if getattr(model, "EMAIL_FIELD", ""):
        given[model.EMAIL_FIELD] = request["email"]
    user = model._default_manager.create_user(**given)
    return {"key": encode(user.pk), "hash": user.password}  # noqa: F821 - shared by the chapter act


def web_request():
    """A request as a login gets it, with an empty session of the system's own engine."""
    from importlib import import_module

    from django.conf import settings
    from django.http import HttpRequest

    request = HttpRequest()
    request.method = "POST"
    request.META.update({"REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "localhost", "SERVER_PORT": "80"})
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    return request


def authenticated(request, typed, password, way):
    """Return the user that a login lets in, or None: by the system's own form or function, else by its backends.

    A function may also raise instead.
    """
    from django.contrib.auth import authenticate
    from django.utils.module_loading import import_string

    if not way:
        return authenticate(request, username=typed, password=password)
    login = import_string(way)
    if hasattr(login, "get_user"):
        form = login(request, data={"username": typed, "password": password})
        return form.get_user() if form.is_valid() else None
    return login(request=request, login=typed, password=password)


def log_in(request):
    """Try a login; which account it lets in, and what is stored for its password afterwards."""
    words = ""
    try:
        user = authenticated(web_request(), request["login"], request["password"], request["way"])
    except Exception as error:  # whatever it raises, nobody got in
        user, words = None, "%s: %s" % (type(error).__name__, error)
    if user is None:
        return {"key": None, "backend": "", "hash": "", "words": words}
    stored = user_model()._base_manager.get(pk=user.pk).password
    return {"key": encode(user.pk), "backend": getattr(user, "backend", ""), "hash": stored, "words": ""}  # noqa: F821


def open_session(request):
    """Log a user in as a view does, and keep the session."""
    from django.contrib.auth import authenticate, login

    web = web_request()
    user = authenticate(web, username=request["login"], password=request["password"])
    if user is None:
        return {"session": None}
    login(web, user)
    web.session.save()
    return {"session": web.session.session_key, "backend": web.session["_auth_user_backend"]}


def read_session(request):
    """Who a session's cookie makes its bearer here."""
    from django.conf import settings
    from django.contrib.auth import get_user

    web = web_request()
    web.session = type(web.session)(request["session"])
    user = get_user(web)
    path = web.session.get("_auth_user_backend", "")
    return {
        "key": encode(user.pk) if user.is_authenticated else None,  # noqa: F821
        "keys": sorted(web.session.keys()),
        "backend": path,
        "backend_known": path in settings.AUTHENTICATION_BACKENDS,
    }


def end_session(request):
    web = web_request()
    type(web.session)(request["session"]).delete()
    return True


def account(request):
    """What is stored of an account, and what its bearer may do."""
    user = user_model()._base_manager.get(pk=decode(request["key"]))  # noqa: F821
    return {
        "hash": user.password,
        "session_hash": user.get_session_auth_hash(),
        "permissions": sorted(user.get_all_permissions()) if hasattr(user, "get_all_permissions") else [],
    }


def grant(request):
    """Give an account permissions: the first by itself, the others by a group."""
    from django.contrib.auth.models import Group, Permission

    user = user_model()._base_manager.get(pk=decode(request["key"]))  # noqa: F821
    found = list(Permission.objects.filter(content_type__app_label=request["app"]).order_by("codename"))
    user.user_permissions.add(*found[:1])
    group = Group.objects.create(name=request["group"])
    group.permissions.add(*found[1:])
    user.groups.add(group)
    return len(found)


def remove_account(request):
    from django.contrib.auth.models import Group

    Group.objects.filter(name=request["group"]).delete()
    user_model()._base_manager.filter(pk=decode(request["key"])).delete()  # noqa: F821
    return user_model()._base_manager.filter(pk=decode(request["key"])).exists()  # noqa: F821


def unknown_hashes(request):
    """Of stored passwords, how many there are of each algorithm, and which of those nobody here can check."""
    from django.contrib.auth.hashers import identify_hasher

    counts, unknown = {}, []
    rows = user_model()._base_manager.order_by("pk").values_list("password", flat=True)[: request["limit"]]
    for stored in rows:
        if not stored or stored.startswith("!"):
            continue
        name = stored.split("$")[0] if "$" in stored else "no algorithm"
        counts[name] = counts.get(name, 0) + 1
        try:
            identify_hasher(stored)
        except ValueError:
            unknown.append(name)
    return {"counts": counts, "unknown": sorted(set(unknown))}


ANSWERS = {
    "register": register,
    "log_in": log_in,
    "open_session": open_session,
    "read_session": read_session,
    "end_session": end_session,
    "account": account,
    "grant": grant,
    "remove_account": remove_account,
    "unknown_hashes": unknown_hashes,
}

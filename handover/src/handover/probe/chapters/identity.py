"""Accounts, logins, sessions and permissions, by the system's own user model, hashers, engine and backends."""

from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:  # they are given to it
    from handover.probe.chapters.act import decode, encode, model_of
    from handover.probe.chapters.fill import filler, related_value, row_values


def user_model() -> Any:
    """Return the user model."""

    from django.contrib.auth import get_user_model

    return get_user_model()


def register(request: Dict[str, Any]) -> Dict[str, Any]:
    """Make an account through the model's manager; return what may be typed to log in, and how it was made."""
    model = user_model()
    related: List[Any] = []
    given = account_values(model, request, related)
    made = dict(given, password=request["password"])
    user = created(model, made)
    # Values that create_user() does not accept are set afterwards.
    missing = {name: value for name, value in given.items() if getattr(user, name) in (None, "")}
    if missing:
        for name, value in missing.items():
            setattr(user, name, value)
        user.save()
    return {
        "key": encode(user.pk),
        "hash": user.password,
        "active": bool(user.is_active),
        "typed": typed_for(user, given),
        "related": [[made._meta.label, encode(row.pk)] for made, row in related],
        "made": {name: value for name, value in given.items() if isinstance(value, (str, int, bool))},
    }


def account_values(model: Any, request: Dict[str, Any], related: Any) -> Dict[str, Any]:
    """Return field → value for a new account: credentials and required fields; ``related`` gets rows made for it."""
    names = [model.USERNAME_FIELD, getattr(model, "EMAIL_FIELD", ""), *model.REQUIRED_FIELDS]
    names += [name for name, _ in credentials()]
    fields = {field.name: field for field in model._meta.concrete_fields}
    chosen = [fields[name] for name in dict.fromkeys(names) if name in fields and name != "password"]
    return {field.name: account_value(field, request, related) for field in chosen}


def account_value(field: Any, request: Dict[str, Any], related: Any) -> Any:
    """Return the value of one field of a new account."""

    from django.db import models

    number = int(request["number"])
    if field.remote_field:
        key = related_value(field, related)
        return field.related_model._base_manager.get(**{field.target_field.attname: key})
    if isinstance(field, models.EmailField) or field.name == "email":
        return request["email"]
    if any(word in (field.name + type(field).__name__).lower() for word in ("phone", "mobile", "msisdn")):
        return ("+346%08d" % (number % 10**8))[: field.max_length or 12]
    if isinstance(field, (models.CharField, models.TextField)) and not field.choices:
        return request["username"][: field.max_length or 99]
    return filler(field, number)


def created(model: Any, made: Any) -> Any:
    """Make an account as the project does, by ``create_user`` if there is one."""

    import inspect

    maker = getattr(model._default_manager, "create_user", None)
    if maker is None:
        values = row_values(model, {}, [], (), None)
        values.update({name: value for name, value in made.items() if name != "password"})
        user = model(**values)
        user.set_password(made["password"])
        user.save()
        return user
    known = inspect.signature(maker).parameters
    takes_any = any(one.kind is one.VAR_KEYWORD for one in known.values())
    return maker(**{name: value for name, value in made.items() if takes_any or name in known})


def typed_for(user: Any, given: Any) -> Any:
    """Return name → text: everything that a person may type to log in."""
    model = type(user)
    typed: Dict[str, Any] = {}
    for name in given:
        value = getattr(user, name)
        if isinstance(value, str) and value:
            is_mail = name == getattr(model, "EMAIL_FIELD", "") or "@" in value
            what = "e-mail" if is_mail else "username" if name == model.USERNAME_FIELD else name
            if what in ("e-mail", "username") or name in [known for known, _ in credentials()]:
                typed.setdefault(what, value)
    return typed


def activate(request: Dict[str, Any]) -> bool:
    """Answer ``activate``: the account may log in."""
    user_model()._base_manager.filter(pk=decode(request["key"])).update(is_active=True)
    return True


# The names of the credentials in the last successful login.
WORKED: List[Any] = []


def credentials() -> List[Any]:
    """Return pairs of names: what the authentication backends call the typed text, and the password."""
    import inspect

    from django.contrib.auth import get_backends

    found = [("username", "password"), (user_model().USERNAME_FIELD, "password")]
    for backend in get_backends():
        known = [
            name
            for name, one in inspect.signature(backend.authenticate).parameters.items()
            if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY) and name != "request"
        ]
        secrets = [name for name in known if "pass" in name.lower()]
        found += [(name, secrets[0]) for name in known if secrets and name not in secrets]
    return list(dict.fromkeys([*WORKED, *found]))


def web_request() -> Any:
    """A request as a login gets it, with an empty session of the system's own engine."""
    from importlib import import_module

    from django.conf import settings
    from django.http import HttpRequest

    request = HttpRequest()
    request.method = "POST"
    request.META.update({"REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "localhost", "SERVER_PORT": "80"})
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    return request


def authenticated(request: Dict[str, Any], typed: Any, password: Any, way: Any) -> Any:
    """Return the user that a login lets in, or None: by the system's own form or function, else by its backends.

    A function may also raise instead.
    """
    from django.utils.module_loading import import_string

    if not way:
        return let_in(request, typed, password)
    login = import_string(way)
    if hasattr(login, "get_user"):
        form = login(request, data={"username": typed, "password": password})
        return form.get_user() if form.is_valid() else None
    return login(request=request, login=typed, password=password)


def let_in(request: Dict[str, Any], typed: Any, password: Any) -> Any:
    """Return the user that the backends let in, under any name that one of them has for what is typed."""
    from django.contrib.auth import authenticate

    said = None
    for name, secret in credentials():
        try:
            user = authenticate(request, **{name: typed, secret: password})
        except Exception as error:
            said = said or error
            continue
        if user is not None:
            WORKED[:] = [(name, secret)]
            return user
    if said is not None:
        raise said
    return None


def log_in(request: Dict[str, Any]) -> Dict[str, Any]:
    """Try a login; return the account that it lets in, and the stored hash afterwards."""
    words = ""
    try:
        user = authenticated(web_request(), request["login"], request["password"], request["way"])
    except Exception as error:  # any error means that the login failed
        user, words = None, "%s: %s" % (type(error).__name__, error)
    if user is None:
        return {"key": None, "backend": "", "hash": "", "words": words}
    stored = user_model()._base_manager.get(pk=user.pk).password
    return {"key": encode(user.pk), "backend": getattr(user, "backend", ""), "hash": stored, "words": "",
            "by": WORKED[:1]}  # fmt: skip


def open_session(request: Dict[str, Any]) -> Dict[str, Any]:
    """Log a user in as a view does, and keep the session."""
    from django.conf import settings
    from django.contrib.auth import login

    web = web_request()
    user = authenticated(web, request["login"], request["password"], request["way"])
    if user is None:
        return {"session": None}
    login(web, user, backend=getattr(user, "backend", None) or settings.AUTHENTICATION_BACKENDS[0])
    web.session.save()
    return {"session": web.session.session_key, "backend": web.session["_auth_user_backend"]}


def read_session(request: Dict[str, Any]) -> Dict[str, Any]:
    """Return the user of a session's cookie in this system."""
    from django.conf import settings
    from django.contrib.auth import get_user

    web = web_request()
    web.session = type(web.session)(request["session"])
    user = get_user(web)
    path = web.session.get("_auth_user_backend", "")
    return {
        "key": encode(user.pk) if user.is_authenticated else None,
        "keys": sorted(web.session.keys()),
        "backend": path,
        "backend_known": path in settings.AUTHENTICATION_BACKENDS,
    }


def end_session(request: Dict[str, Any]) -> bool:
    """Answer ``end_session``: the session is deleted."""
    web = web_request()
    type(web.session)(request["session"]).delete()
    return True


def account(request: Dict[str, Any]) -> Dict[str, Any]:
    """Return what is stored of an account, and what it may do."""
    user = user_model()._base_manager.get(pk=decode(request["key"]))
    return {
        "hash": user.password,
        "session_hash": user.get_session_auth_hash(),
        "permissions": sorted(user.get_all_permissions()) if hasattr(user, "get_all_permissions") else [],
        "may": [allowed(user, model_of(path)) for path in request.get("models", ())],
    }


def allowed(user: Any, model: Any) -> Dict[str, Any]:
    """Return permission → whether has_perm() grants it, under this system's own names."""
    if not hasattr(user, "has_perm"):
        return {}
    meta = model._meta
    asked = {action: "%s_%s" % (action, meta.model_name) for action in meta.default_permissions}
    asked.update({codename: codename for codename, _ in meta.permissions})
    return {what: user.has_perm("%s.%s" % (meta.app_label, codename)) for what, codename in asked.items()}


def granted(request: Dict[str, Any]) -> List[Any]:
    """Return the keys of stored accounts with permissions; without superusers."""
    from django.db.models import Q

    model = user_model()
    if not hasattr(model, "user_permissions"):
        return []
    some = Q(user_permissions__isnull=False) | Q(groups__permissions__isnull=False)
    rows = model._base_manager.filter(some, is_superuser=False, is_active=True).order_by("pk").distinct()
    return [encode(user.pk) for user in rows[: request["limit"]]]


def grant(request: Dict[str, Any]) -> Optional[int]:
    """Grant an account the permissions of models: the first of each directly, the others by a group."""
    from django.contrib.auth.models import Group, Permission

    user = user_model()._base_manager.get(pk=decode(request["key"]))
    if not hasattr(user, "user_permissions"):
        return None
    group = Group.objects.create(name=request["group"])
    count = 0
    for meta in [model_of(path)._meta for path in request["models"]]:
        place = {"content_type__app_label": meta.app_label, "content_type__model": meta.model_name}
        found = list(Permission.objects.filter(**place).order_by("codename"))
        user.user_permissions.add(*found[:1])
        group.permissions.add(*found[1:])
        count += len(found)
    user.groups.add(group)
    return count


def remove_account(request: Dict[str, Any]) -> Any:
    """Answer ``remove_account``: whether the account is still there."""

    from django.contrib.auth.models import Group

    Group.objects.filter(name=request["group"]).delete()
    user_model()._base_manager.filter(pk=decode(request["key"])).delete()
    for label, key in reversed(request["related"]):
        model_of(label)._base_manager.filter(pk=decode(key)).delete()
    return user_model()._base_manager.filter(pk=decode(request["key"])).exists()


def unknown_hashes(request: Dict[str, Any]) -> Dict[str, Any]:
    """Return how many stored passwords each algorithm has, and the algorithms that no hasher here can check."""
    from django.contrib.auth.hashers import identify_hasher

    counts: Dict[str, int] = {}
    unknown: List[str] = []
    rows = list(user_model()._base_manager.order_by("pk").values_list("password", flat=True)[: request["limit"]])
    for stored in rows:
        if not stored or stored.startswith("!"):
            continue
        name = stored.split("$")[0] if "$" in stored else "no algorithm"
        counts[name] = counts.get(name, 0) + 1
        try:
            identify_hasher(stored)
        except ValueError:
            unknown.append(name)
    return {"counts": counts, "unknown": sorted(set(unknown)), "accounts": len(rows)}


ANSWERS = {
    "register": register,
    "activate": activate,
    "log_in": log_in,
    "open_session": open_session,
    "read_session": read_session,
    "end_session": end_session,
    "account": account,
    "grant": grant,
    "granted": granted,
    "remove_account": remove_account,
    "unknown_hashes": unknown_hashes,
}

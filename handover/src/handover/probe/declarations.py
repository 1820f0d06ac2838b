"""The agent's third part: what models declare besides their columns, and what migrations need."""

import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:  # the parts of the agent are sent as one source
    from handover.probe.plain import callable_facts, plain, text_of

    columns_of: Any
    db_default_facts: Any
    literal: Any
    own_code: Any
    quote_without_connection: Any
    table_of: Any

CHECKS = ("clean", "clean_fields", "full_clean", "validate_unique", "validate_constraints")
# Options of a field that are compared under other names, or that only change words and places.
TOLD_ALREADY = (
    "verbose_name", "help_text", "error_messages", "db_tablespace", "db_comment", "serialize", "auto_created",
    "primary_key", "max_length", "unique", "blank", "null", "db_index", "default", "db_default", "choices",
    "db_column", "validators", "auto_now", "auto_now_add", "upload_to", "storage", "encoder", "decoder",
    "max_digits", "decimal_places", "db_collation", "to", "to_field", "on_delete", "related_name",
    "related_query_name", "db_constraint", "limit_choices_to", "parent_link", "swappable", "base_field", "size",
    "expression", "output_field", "db_persist",
)  # fmt: skip


def perhaps(value: Any) -> Dict[str, Any]:
    """Return the facts of an option that may be empty, a value, or a callable."""
    if not value:
        return {"kind": "none", "value": "", "source": None}
    return (
        callable_facts(value) if callable(value) else {"kind": "value", "value": "as:" + text_of(value), "source": None}
    )


def limit_facts(remote: Any) -> Dict[str, Any]:
    """Return ``limit_choices_to`` of a relation."""

    from django.db.models import Q

    limit = getattr(remote, "limit_choices_to", None)
    return perhaps(Q(**limit) if limit and isinstance(limit, dict) else limit)


def option_facts(field: Any) -> Dict[str, Any]:
    """Return the other options of a field, those of its own class included."""
    try:
        _, _, arguments, options = field.deconstruct()
    except Exception as error:
        return {"deconstruct": "raises %s" % type(error).__name__}
    positional = {"argument %d" % n: text_of(a) for n, a in enumerate(arguments, 1)}
    return {**positional, **{name: text_of(v) for name, v in sorted(options.items()) if name not in TOLD_ALREADY}}


def generic_facts(meta: Any) -> List[Any]:
    """Return relations by content type: a GenericRelation deletes with its model, without a constraint."""
    facts = []
    for field in meta.private_fields:
        if hasattr(field, "object_id_field_name"):
            target = field.related_model._meta
            names = [field.content_type_field_name, field.object_id_field_name]
            where = target.db_table
        elif hasattr(field, "ct_field") and hasattr(field, "fk_field"):
            target, names, where = meta, [field.ct_field, field.fk_field], ""
        else:
            continue
        concrete = bool(getattr(field, "for_concrete_model", True))
        facts.append({"table": where, "columns": columns_of(target, names), "concrete": concrete})
    return facts


def database_sql(field: Any, connection: Any) -> Optional[str]:
    """Return the SQL of what the database fills in for a field: its default, or its generated value; else None."""
    if not getattr(field, "generated", False) and db_default_facts(field) is None:
        return None
    try:
        quote_without_connection(connection)
        editor = connection.schema_editor(collect_sql=True, atomic=False)
        made = field.generated_sql(connection) if getattr(field, "generated", False) else editor.db_default_sql(field)
        return str(made[0]) % tuple(literal(editor, value) for value in made[1] or ())
    except Exception as error:
        sys.stderr.write("handover: no SQL for %s: %s\n" % (field, error))
        return None


def set_to(on_delete: Any) -> Dict[str, Any]:
    """Return what SET(...) writes when the target row is deleted."""
    if getattr(on_delete, "__name__", "") != "set_on_delete" or not hasattr(on_delete, "deconstruct"):
        return perhaps(None)
    value = on_delete.deconstruct()[1][0]
    return callable_facts(value) if callable(value) else {"kind": "value", "value": plain(value), "source": None}


def latest_by(meta: Any) -> List[Any]:
    """Return the fields of ``get_latest_by``."""
    names = meta.get_latest_by or ()
    return [text_of(name) for name in ([names] if isinstance(names, str) else names)]


CHANGES = (
    "DeleteModel", "RenameModel", "AlterModelTable", "AddField", "RemoveField", "AlterField", "RenameField",
    "AddIndex", "RemoveIndex", "AddConstraint", "RemoveConstraint", "AlterUniqueTogether", "AlterIndexTogether",
)  # fmt: skip


def needed(operation: Any, app_label: str, state: Any) -> List[Any]:
    """Return the table and the column that an operation needs; an empty list if it makes them itself."""
    kind = type(operation).__name__
    names = [getattr(operation, name, None) for name in ("model_name", "old_name")] if kind != "RenameField" else []
    names += [operation.model_name if kind == "RenameField" else getattr(operation, "name", None)]
    model = next((state.models[k] for k in ((app_label, n.lower()) for n in names if n) if k in state.models), None)
    if kind not in CHANGES or model is None or model.options.get("proxy") or not model.options.get("managed", True):
        return []
    table = table_of(operation, app_label, state)
    name = {"RenameField": "old_name", "RemoveField": "name", "AlterField": "name"}.get(kind)
    field = dict(model.fields).get(getattr(operation, name)) if name else None
    if name is None or field is None or field.many_to_many:
        return [table]
    field = field.clone()
    field.set_attributes_from_name(getattr(operation, name))
    return [table, field.column]


# Settings that decide whether one system accepts the other's requests, cookies and signatures; with Django's default
# for versions that lack the setting.
ELSE_NAMED = {
    "SIGNING_BACKEND": "django.core.signing.TimestampSigner",
    "DEFAULT_HASHING_ALGORITHM": "sha256",
    "SESSION_SAVE_EVERY_REQUEST": False,
    "SESSION_EXPIRE_AT_BROWSER_CLOSE": False,
    "SESSION_COOKIE_SECURE": False,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "CSRF_COOKIE_PATH": "/",
    "CSRF_HEADER_NAME": "HTTP_X_CSRFTOKEN",
    "CSRF_COOKIE_HTTPONLY": False,
    "USE_X_FORWARDED_HOST": False,
    "DATA_UPLOAD_MAX_MEMORY_SIZE": 2621440,
    "DATA_UPLOAD_MAX_NUMBER_FIELDS": 1000,
    "PASSWORD_RESET_TIMEOUT": 259200,
    "SITE_ID": None,
}
LOGIN = (
    "get_session_auth_hash", "_get_session_auth_hash", "check_password", "set_password", "has_perm", "has_perms",
    "has_module_perms", "get_all_permissions", "get_username", "normalize_username",
)  # fmt: skip
OF_BACKENDS = ("authenticate", "get_user", "user_can_authenticate", "has_perm", "get_all_permissions", "with_perm")


def other_settings(settings: Any) -> Dict[str, Any]:
    """Return the settings that are compared besides those of the description."""
    found = {name: text_of(getattr(settings, name, default)) for name, default in ELSE_NAMED.items()}
    database = settings.DATABASES.get("default", {})
    return dict(found, **{"AUTOCOMMIT of the database": text_of(database.get("AUTOCOMMIT", True))})


def login_code(settings: Any) -> Dict[str, Any]:
    """Return the project's own code that decides on logins and permissions, by its place."""
    from django.contrib.auth import get_user_model
    from django.utils.module_loading import import_string

    user = get_user_model()
    manager = type(user._default_manager)
    found = {"user model": own_code(user, LOGIN) + own_code(manager, ("get_by_natural_key", "normalize_email"))}
    for path in settings.AUTHENTICATION_BACKENDS:
        try:
            found[str(path)] = own_code(import_string(path), OF_BACKENDS)
        except Exception as error:  # a login will show the error
            sys.stderr.write("handover: %s cannot be imported: %s\n" % (path, error))
    return found


def cache_tables(settings: Any) -> List[Any]:
    """Return the tables of caches; Django has no model for them."""
    caches = [
        cache for _, cache in sorted(settings.CACHES.items()) if cache.get("BACKEND", "").endswith(".DatabaseCache")
    ]
    return sorted({str(cache.get("LOCATION", "")) for cache in caches})

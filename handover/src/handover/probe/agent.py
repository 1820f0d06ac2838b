"""The agent, sent over standard input to a system's interpreter: standard library and Django, Python 3.8 or newer.

It connects to no database and writes nothing, unless it was started to act: then it loads chapters, sources that answer
more requests. Requests and answers are lines of JSON; the system's standard input is empty, and what the system prints
goes to standard error.
"""

import datetime
import decimal
import hashlib
import hmac
import inspect
import json
import os
import posixpath
import re
import sys
import tempfile
import traceback
import weakref
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple, Union

if TYPE_CHECKING:  # the parts of the agent are sent as one source
    from handover.probe.declarations import (
        CHECKS,
        cache_tables,
        database_sql,
        generic_facts,
        latest_by,
        limit_facts,
        login_code,
        option_facts,
        other_settings,
        set_to,
    )
    from handover.probe.guard import CLOSED, READ_ONLY, become, lead_to, stand_guard
    from handover.probe.histories import Walk, constraint_name, editor_of, migrations, render
    from handover.probe.plain import (
        SCALARS,
        callable_facts,
        code_of,
        digest_of,
        dotted,
        is_known,
        plain,
        simple,
        text_of,
    )

HASHER_PARAMETERS = ("digest", "iterations", "memory_cost", "time_cost", "parallelism", "rounds", "work_factor")
STORAGE_PARAMETERS: Tuple[str, ...] = (
    "bucket_name",
    "location",
    "base_location",
    "file_overwrite",
    "project_id",
    "endpoint_url",
)
STORAGE_PARAMETERS += ("base_url", "file_permissions_mode", "directory_permissions_mode")
# What stands between a value and its column, and between a row and its table.
CONVERTS: Tuple[str, ...] = (
    "from_db_value",
    "to_python",
    "get_prep_value",
    "get_db_prep_value",
    "get_db_prep_save",
    "pre_save",
)
CONVERTS += ("select_format", "get_lookup", "get_transform")
WRITES: Tuple[str, ...] = ("from_db", "save", "save_base", "delete", "__init__", "__setattr__", "refresh_from_db")
WRITES += ("_save_table", "_do_insert", "_do_update")
BULK = ("create", "bulk_create", "update", "bulk_update", "delete", "get_or_create", "update_or_create")
SIGNALS = ("pre_save", "post_save", "pre_delete", "post_delete", "pre_init", "post_init", "m2m_changed")


def own_code(owner: Any, names: Any) -> List[Any]:
    """Return those of the methods that are not Django's own."""
    methods = [getattr(owner, name, None) for name in names]
    facts = [callable_facts(method) for method in methods if inspect.isroutine(method)]
    return [fact for fact in facts if fact["source"]]


def field_value(field: Any, value: Any) -> Any:
    """Return a default as the column stores it: 0 and 0.0 of a float are the same, 1.5 and 1.50 too."""
    value = simple(value)
    try:
        return to_places(field, field.to_python(value))
    except Exception:
        return value


def to_places(field: Any, value: Any) -> Any:
    """Return a decimal with the number of places that its field keeps."""
    if not isinstance(value, decimal.Decimal) or not value.is_finite():
        return value
    return value.quantize(decimal.Decimal(1).scaleb(-field.decimal_places))


def default_facts(field: Any) -> Dict[str, Any]:
    """Return what a field says of its default."""
    # A field without a default gets None anyway, unless it gets an empty text.
    if field.has_default() and (field.default is not None or (field.empty_strings_allowed and not field.null)):
        return given(field.default, lambda value: field_value(field, value))
    if field.empty_strings_allowed and not field.null and field.get_default() == "":
        return {"kind": "value", "value": "str:", "source": None}
    return {"kind": "none", "value": "", "source": None}


def given(value: Any, read: Any = simple) -> Dict[str, Any]:
    """Return the facts of a default: a callable, or the stored value; texts in the language that the system writes."""
    from django.conf import settings
    from django.utils import translation

    if callable(value):
        return callable_facts(value)
    with translation.override(settings.LANGUAGE_CODE):
        read_back = read(value)
        if is_from_the_start(read_back):
            return {"kind": "callable", "value": "the time when the system starts", "source": None}
        return {"kind": "value", "value": plain(read_back), "source": None}


def is_from_the_start(value: Any) -> bool:
    """Say whether a default is the time of the import: datetime.now() instead of datetime.now."""
    if not isinstance(value, datetime.datetime):
        return False
    now = datetime.datetime.now(value.tzinfo)
    return abs(now - value) < datetime.timedelta(hours=1)


def db_default_facts(field: Any) -> Optional[str]:
    """Return the default that a field leaves to the database, as text."""

    from django.db import models

    value = getattr(field, "db_default", None)
    missing = getattr(models, "NOT_PROVIDED", None) or getattr(models.fields, "NOT_PROVIDED", None)
    return None if value is None or value is missing else text_of(value)


def choices_facts(field: Any) -> Union[str, List[Any]]:
    """Return a field's choices, or a text about what makes them."""
    choices = getattr(field, "choices", None)
    try:
        return [[plain(stored(field, v)), person_text(label)] for v, label in field.flatchoices] if choices else []
    except Exception as error:  # a callable may ask the database, and there is none
        function = getattr(choices, "choices_func", None) or getattr(choices, "func", None)
        code = text_of(function or choices)
        why = "they are read from the database" if str(error) == CLOSED else plain_error(error)
        return "%s: %s" % (code, why) if function else why


def stored(field: Any, value: Any) -> Any:
    """Return a choice as the column stores it: a field of time zones offers objects and stores their names."""
    value = simple(value)
    kind: Any = type(value)
    if value is None or isinstance(value, SCALARS) or kind.__str__ is object.__str__:
        return value
    return field.get_prep_value(value)


def person_text(value: Any) -> str:
    """Return a text for people."""
    value = simple(value)
    return str(value) if isinstance(value, SCALARS) else text_of(value)


def plain_error(error: Any) -> str:
    """Return the class and the message of an error, without addresses in memory."""
    return "%s: %s" % (type(error).__name__, re.sub(r"0x[0-9a-f]{6,}", "…", str(error)))


def validator_facts(validator: Any) -> str:
    """Return a validator as text."""
    return text_of(validator)


def whole_number(value: Any) -> Optional[int]:
    """Return a number that may be written as text; None if it is no number."""
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError):
        return None


def optional_text(value: Any) -> Optional[str]:
    """Return a text for people; None stays None."""
    return None if value is None else person_text(value)


def storage_facts(storage: Any) -> Dict[str, Any]:
    """Return where a storage keeps its files."""

    from django.core.files.storage import FileSystemStorage, default_storage

    is_default = storage is default_storage
    if hasattr(storage, "_wrapped"):
        storage.exists  # noqa: B018 - a lazy storage is made at its first use
        storage = storage._wrapped
    local = isinstance(storage, FileSystemStorage)
    facts: Dict[str, Any] = {
        "class_name": dotted(type(storage)),
        "default": is_default,
        "local": local,
        "parameters": {},
    }
    for name in STORAGE_PARAMETERS:
        value = getattr(storage, name, None)
        if value is not None and not callable(value):
            facts["parameters"][name] = person_text(value)
    if getattr(storage, "_allow_overwrite", False):
        facts["parameters"]["file_overwrite"] = "True"
    return facts


def relation_facts(field: Any) -> Dict[str, Any]:
    """Return the target of a foreign key, and its reverse names."""
    remote = field.remote_field
    return {
        "to": field.related_model._meta.label,
        "to_table": field.related_model._meta.db_table,
        "on_delete": on_delete_name(getattr(remote, "on_delete", None)),
        "accessor": remote.get_accessor_name(),
        "query_name": field.related_query_name(),
        "constraint": bool(getattr(field, "db_constraint", True)),
        "parent_link": bool(getattr(remote, "parent_link", False)),
        "limit": limit_facts(remote),
        "sets": set_to(getattr(remote, "on_delete", None)),
        "name": constraint_name(field),
    }


def on_delete_name(function: Any) -> Optional[str]:
    """Return the name of an on_delete function: Django's by name, a project's by its code, also if it is wrapped."""
    while function is not None and not inspect.isroutine(function):
        within = [held for held in getattr(function, "__dict__", {}).values() if callable(held)]
        if len(within) != 1:
            return text_of(function)
        function = within[0]
    if function is None:
        return None
    name = function.__name__
    return "SET(...)" if name == "set_on_delete" else name if is_known(function) else text_of(function)


def internal_type(field: Any) -> str:
    """Return the nearest class of Django's own: a project's subclass of CharField is a CharField."""
    from django.db import models

    name = field.get_internal_type()
    if hasattr(models, name):
        return name
    django = ("django.db.models", "django.contrib.postgres")
    return next((cls.__name__ for cls in type(field).__mro__ if cls.__module__.startswith(django)), name)


def field_facts(field: Any, connection: Any) -> Dict[str, Any]:
    """Return what a field expects of its column."""
    target = field.target_field if field.remote_field else None
    facts = {
        "name": field.name,
        "column": field.column,
        "type": field.db_type(connection),
        "kind": internal_type(field),
        "null": bool(field.null),
        "blank": bool(field.blank),
        "primary_key": bool(field.primary_key),
        "unique": bool(field.unique),
        "indexed": bool(field.db_index or field.unique),
        "references": [target.model._meta.db_table, target.column] if target is not None else None,
        "relation": relation_facts(field) if target is not None else None,
        "default": default_facts(field),
        "db_default": db_default_facts(field),
        "choices": choices_facts(field),
        "max_length": whole_number(getattr(field, "max_length", None)),
        "collation": optional_text(
            getattr(field, "db_collation", None) or field.db_parameters(connection).get("collation")
        ),
        "items": choices_facts(field.base_field) if hasattr(field, "base_field") else [],
        "database_sql": database_sql(field, connection),
        "class_name": type(field).__name__,
        "options": option_facts(field),
        "validators": sorted(validator_facts(v) for v in list(field.default_validators) + list(field._validators)),
        "auto_now": bool(getattr(field, "auto_now", False)),
        "auto_now_add": bool(getattr(field, "auto_now_add", False)),
        "upload_to": None,
        "storage": None,
        "generated": bool(getattr(field, "generated", False)),
        "converts": own_code(type(field), CONVERTS)
        + [fact for fact in [callable_facts(getattr(field, "descriptor_class", object))] if fact["source"]]
        + [callable_facts(c) for c in (getattr(field, "encoder", None), getattr(field, "decoder", None)) if c],
    }
    if hasattr(field, "upload_to"):
        facts["upload_to"] = given(field.upload_to, folder_text)
        facts["storage"] = storage_facts(field.storage)
    return facts


def folder_text(upload_to: Any) -> str:
    """Return a folder as a storage reads it; a slash at its end makes no difference."""
    return posixpath.normpath(str(upload_to)) if str(upload_to) else ""


def columns_of(meta: Any, names: Any) -> List[Any]:
    """Return the columns of fields by their names, which may begin with a minus."""
    return [meta.get_field(name.lstrip("-")).column for name in names]


def index_facts(model: Any, index: Any) -> Dict[str, Any]:
    """Return what an index of ``Meta`` is made of."""
    meta = model._meta
    return {
        "name": index.name,
        "columns": columns_of(meta, index.fields),
        "method": "btree" if index.suffix == "idx" else index.suffix,
        "include": columns_of(meta, getattr(index, "include", None) or ()),
        "classes": list(index.opclasses or ()),
        "descending": [order == "DESC" for _, order in index.fields_orders],
        "special": bool(getattr(index, "condition", None) or getattr(index, "expressions", None) or index.opclasses),
        "sql": sql_of(model, index),
    }


# A recent version of PostgreSQL: for older ones Django leaves parts of statements out.
NEWEST = 180000


def literal(editor: Any, value: Any) -> str:
    """Return a value in SQL; the driver cannot write an hstore without a connection."""
    try:
        return editor.quote_value(value)
    except Exception:
        if not isinstance(value, dict):
            raise
    pairs = sorted((key, "NULL" if v is None else json.dumps(v, ensure_ascii=False)) for key, v in value.items())
    text = ", ".join("%s=>%s" % (json.dumps(key, ensure_ascii=False), v) for key, v in pairs)
    return "'%s'::hstore" % text.replace("'", "''")


def quote_without_connection(connection: Any) -> None:
    """Replace Django's quoting: since 4.2 it needs an open connection, and there is none here."""
    editor = connection.schema_editor(collect_sql=True)
    connection.ops.compose_sql = lambda query, params: query % tuple(literal(editor, p) for p in params or ())
    if not ACTING:
        connection.features.connection.__dict__.setdefault("pg_version", NEWEST)


def sql_of(model: Any, thing: Any) -> Optional[str]:
    """Return the statement that would make an index or a constraint; None if Django cannot tell without a database."""
    from django.db import connection

    try:
        quote_without_connection(connection)
        editor = connection.schema_editor(collect_sql=True, atomic=False)
        return in_order(str(thing.create_sql(model, editor) or "")) or None
    except Exception as error:
        sys.stderr.write("handover: no SQL for %s: %s\n" % (thing.name, error))
        return None


LITERAL = r"(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?)"
ONE_OF = re.compile(r"\bIN \((%s(?:, %s)*)\)" % (LITERAL, LITERAL))


def in_order(statement: str) -> str:
    """Return the statement with sorted values in each IN: the order of a Python set changes from run to run."""
    return ONE_OF.sub(lambda found: "IN (%s)" % ", ".join(sorted(re.findall(LITERAL, found[1]))), statement)


def constraint_facts(model: Any, constraint: Any) -> Dict[str, Any]:
    """Return what a constraint of ``Meta`` is made of."""
    meta = model._meta
    kind = {"UniqueConstraint": "unique", "CheckConstraint": "check", "ExclusionConstraint": "exclusion"}
    special = getattr(constraint, "condition", None) or getattr(constraint, "expressions", None)
    names = [cls.__name__ for cls in type(constraint).__mro__ if cls.__name__ in kind]
    return {
        "name": constraint.name,
        "kind": kind[names[0]] if names else "other",
        "columns": columns_of(meta, getattr(constraint, "fields", None) or ()),
        "special": bool(special or getattr(constraint, "opclasses", None)) or not getattr(constraint, "fields", None),
        "deferrable": getattr(getattr(constraint, "deferrable", None), "value", None),
        "include": columns_of(meta, getattr(constraint, "include", None) or ()),
        "classes": list(getattr(constraint, "opclasses", None) or ())
        if kind.get(names[0] if names else "") == "unique"
        else [],
        "nulls_distinct": getattr(constraint, "nulls_distinct", None),
        "sql": sql_of(model, constraint),
    }


def many_to_many_facts(field: Any) -> Dict[str, Any]:
    """Return the table and the names of a many-to-many field."""
    through = field.remote_field.through
    return {
        "name": field.name,
        "table": through._meta.db_table,
        "own_table": bool(through._meta.auto_created),
        "to_table": field.related_model._meta.db_table,
        "accessor": field.remote_field.get_accessor_name(),
        "query_name": field.related_query_name(),
        "columns": [field.m2m_column_name() or "", field.m2m_reverse_name() or ""],
        "symmetrical": bool(getattr(field.remote_field, "symmetrical", False)),
        "limit": limit_facts(field.remote_field),
    }


def rows_of(manager: Any) -> Optional[str]:
    """Return the SQL behind FROM of a manager's query; None if Django cannot tell."""
    from django.core.exceptions import EmptyResultSet

    try:
        statement, parameters = manager.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "nothing"
    except Exception as error:
        sys.stderr.write("handover: no SQL for %s: %s\n" % (dotted(type(manager)), error))
        return None
    # For example the present time differs between the systems.
    shown = [text_of(p) if isinstance(p, (str, int, type(None))) else type(p).__name__ for p in parameters]
    place = 0
    for part in re.findall(r"\bIN \(%s(?:, %s)*\)|%s", statement):
        count = part.count("%s")
        shown[place : place + count] = sorted(shown[place : place + count])
        place += count
    return " ".join([statement.partition(" FROM ")[2], *shown])


def listeners_of(sender: Any) -> List[Any]:
    """Return the listeners to saves and deletes of a model, or of all models for None; without Django's own."""
    from django.db.models import signals

    found = []
    for name in SIGNALS:
        for entry in getattr(signals, name).receivers:
            heard = entry[1]() if isinstance(entry[1], weakref.ReferenceType) else entry[1]
            if entry[0][1] == id(sender) and heard is not None:
                found.append(listener_facts(name, heard))
    return sorted((fact for fact in found if fact), key=lambda fact: (fact["value"], fact["source"]))


def listener_facts(signal: Any, heard: Any) -> Optional[Dict[str, Any]]:
    """Return a listener by its name and code; the values of its object differ from run to run."""
    function = getattr(heard, "__func__", heard)
    if not (inspect.isroutine(function) or inspect.isclass(function)):
        function = type(function)
    name = dotted(function)
    if name.split(".")[0] == "django":
        return None
    return {"kind": "callable", "value": "%s (%s)" % (signal, name), "source": digest_of(signal, code_of(function))}


def manager_code(manager: Any) -> List[Any]:
    """Return the project's own code that writes in a manager and its querysets."""
    methods = [getattr(getattr(manager, "_queryset_class", None), name, None) for name in BULK]
    for kind in type(manager).__mro__:
        if "_queryset_class" not in vars(kind):  # otherwise Django made it from the queryset's methods
            methods += [vars(kind)[name] for name in BULK if name in vars(kind)]
    facts = [callable_facts(method) for method in methods if inspect.isroutine(method)]
    return [fact for fact in facts if fact["source"]]


def routed(model: Any) -> Dict[str, Any]:
    """Return the databases that the routers name for a model, or their error."""
    from django.db import router

    try:
        return {"write": router.db_for_write(model), "read": router.db_for_read(model)}
    except Exception as error:
        return {"said": plain_error(error)}


def database_places() -> Dict[str, Any]:
    """Return where each of the DATABASES is; no password."""

    from django.db import connections

    found = {}
    for alias in connections:
        settings = connections.settings[alias]
        options = (settings.get("OPTIONS") or {}).get("options", "")
        values = [("name", settings.get("NAME")), ("host", settings.get("HOST")), ("port", settings.get("PORT"))]
        found[alias] = {name: str(value or "") for name, value in [*values, ("options", options)]}
    return found


def facts_or_name(model: Any, facts: Any) -> Dict[str, Any]:
    """Return facts of a model; an error names the model."""
    try:
        return facts()
    except Exception as error:
        raise RuntimeError("%s cannot be described (%s)" % (model._meta.label, plain_error(error))) from error


def library_options(model: Any) -> List[Any]:
    """Return a model's options for its libraries: attributes that they define, and Meta classes of their own."""
    own = model.__module__.split(".")[0]
    found: Dict[str, str] = {}
    for cls in model.__mro__:
        of_library = cls.__module__.split(".")[0] not in (own, "django", "builtins", "typing", "abc")
        for name, value in vars(cls).items():
            if inspect.isclass(value) and name.endswith("Meta") and name != "Meta":
                for option, content in vars(value).items():
                    if not option.startswith("_") and is_simple(content):
                        found.setdefault("%s.%s" % (name, option), plain(content))
            elif of_library and not name.startswith("_") and is_simple(value) and is_simple(getattr(model, name, None)):
                found.setdefault(name, plain(getattr(model, name, None)))
    return sorted([name, value] for name, value in found.items())


def is_simple(value: Any) -> bool:
    """Say whether a value can be sent as JSON as it is."""
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, (str, int, float)) for item in value)
    return value is None or isinstance(value, (str, int, float))


def model_facts(model: Any, connection: Any) -> Dict[str, Any]:
    """Return what a model expects of the database."""
    meta = model._meta
    unique = [columns_of(meta, names) for names in meta.unique_together]
    constraints = [constraint_facts(model, c) for c in meta.constraints]
    unique += [c["columns"] for c in constraints if c["kind"] == "unique" and not c["special"]]
    permissions = [
        ["%s_%s" % (action, meta.model_name), "Can %s %s" % (action, person_text(meta.verbose_name_raw))]
        for action in meta.default_permissions
    ]
    key = getattr(meta, "pk_fields", None) or [meta.pk]
    return {
        "label": meta.label,
        "path": dotted(model),
        "app_label": meta.app_label,
        "model_name": meta.model_name,
        "table": meta.db_table,
        "made_for": meta.auto_created._meta.label if meta.auto_created else None,
        "proxy": meta.proxy,
        "managed": meta.managed,
        "parents": [parent._meta.label for parent in meta.parents],
        "fields": [field_facts(f, connection) for f in meta.local_concrete_fields if f.db_type(connection)],
        "key": [field.column for field in key],
        "many_to_many": [many_to_many_facts(f) for f in meta.local_many_to_many],
        "unique": unique,
        "indexes": [index_facts(model, index) for index in meta.indexes]
        + [
            {"name": None, "columns": columns_of(meta, names), "method": "btree", "special": False, "sql": None}
            for names in getattr(meta, "index_together", ())
        ],
        "constraints": constraints,
        "ordering": [name if isinstance(name, str) else text_of(name) for name in meta.ordering],
        "latest_by": latest_by(meta),
        "generic": generic_facts(meta),
        "checks": own_code(model, CHECKS),
        "library": library_options(model),
        "rows": [rows_of(model._default_manager), rows_of(model._base_manager)],
        "writes": own_code(model, WRITES) + manager_code(model._default_manager),
        "signals": listeners_of(model),
        "routed": routed(model),
        "permissions": permissions + [[person_text(part) for part in p] for p in meta.permissions],
    }


def hasher_facts() -> List[Any]:
    """Return the password hashers and their parameters."""

    from django.contrib.auth.hashers import get_hashers

    found = []
    for hasher in get_hashers():
        values = {name: getattr(hasher, name) for name in HASHER_PARAMETERS if hasattr(hasher, name)}
        values = {k: getattr(v, "__name__", None) or person_text(v) for k, v in values.items()}
        found.append({"algorithm": hasher.algorithm, "class_name": dotted(type(hasher)), "parameters": values})
    return found


def keyed(value: Any, key: Any) -> str:
    """Return a fingerprint that only shows whether two systems hold the same secret."""
    return hmac.new(key.encode(), str(value).encode(), hashlib.sha256).hexdigest()


def database_facts(connection: Any) -> Dict[str, Any]:
    """Return where the default database is, and how it is used; no password."""
    found = connection.settings_dict
    options = sorted((found.get("OPTIONS") or {}).items())
    return {
        "vendor": connection.vendor,
        "name": str(found.get("NAME", "")),
        "host": str(found.get("HOST", "")),
        "port": str(found.get("PORT", "") or ""),
        "role": str(found.get("USER", "")),
        "options": {str(name): person_text(value) for name, value in options if "pass" not in str(name)},
        "conn_max_age": found.get("CONN_MAX_AGE"),
        "atomic_requests": bool(found.get("ATOMIC_REQUESTS")),
        "time_zone": optional_text(found.get("TIME_ZONE")),
    }


def session_store(settings: Any, key: Any) -> List[Any]:
    """Return where sessions are kept outside database and cookie; keyed, since an address may hold a password."""
    engine = settings.SESSION_ENGINE.rpartition(".")[2]
    if engine == "file":
        return [str(settings.SESSION_FILE_PATH or tempfile.gettempdir())]
    if engine not in ("cache", "cached_db"):
        return []
    cache = settings.CACHES.get(settings.SESSION_CACHE_ALIAS, {})
    names = [str(cache.get(name, "")) for name in ("BACKEND", "KEY_PREFIX", "VERSION", "KEY_FUNCTION")]
    return [*names, keyed(cache.get("LOCATION", ""), key)]


def settings_facts(connection: Any, key: Any, names: Any) -> Dict[str, Any]:
    """Return the settings that both systems must agree on; secrets as keyed hashes."""

    from django.conf import settings
    from django.core.files.storage import default_storage

    validators = [
        [v["NAME"], sorted([k, plain(o)] for k, o in v.get("OPTIONS", {}).items())]
        for v in settings.AUTH_PASSWORD_VALIDATORS
    ]
    facts = {
        "installed": [str(app) for app in settings.INSTALLED_APPS],
        "auth_user_model": settings.AUTH_USER_MODEL,
        "hashers": [],
        "backends": [str(backend) for backend in settings.AUTHENTICATION_BACKENDS],
        "session_engine": settings.SESSION_ENGINE,
        "session_serializer": settings.SESSION_SERIALIZER,
        "session_cookie": [
            str(settings.SESSION_COOKIE_NAME),
            str(settings.SESSION_COOKIE_DOMAIN),
            str(settings.SESSION_COOKIE_PATH),
        ],
        "session_age": whole_number(settings.SESSION_COOKIE_AGE),
        "session_store": session_store(settings, key),
        "csrf": [str(settings.CSRF_COOKIE_NAME), str(settings.CSRF_COOKIE_DOMAIN), str(settings.CSRF_USE_SESSIONS)],
        # Before Django 4.0 an origin was its host.
        "csrf_origins": sorted(origin.rpartition("://")[2] for origin in settings.CSRF_TRUSTED_ORIGINS),
        "proxy_header": str(settings.SECURE_PROXY_SSL_HEADER),
        "hosts": [str(host) for host in settings.ALLOWED_HOSTS],
        "secret_key": keyed(settings.SECRET_KEY, key),
        "secret_key_fallbacks": [keyed(k, key) for k in getattr(settings, "SECRET_KEY_FALLBACKS", [])],
        "user_table": None,
        "login_fields": [],
        "time_zone": optional_text(settings.TIME_ZONE),
        "use_tz": bool(settings.USE_TZ),
        "default_auto_field": settings.DEFAULT_AUTO_FIELD,
        "password_validators": validators,
        "media_root": str(settings.MEDIA_ROOT),
        "storage": storage_facts(default_storage),
        "database": database_facts(connection),
        "databases": database_places(),
        "listeners": listeners_of(None),
        "routers": [person_text(router) for router in settings.DATABASE_ROUTERS],
        "named": {name: person_text(getattr(settings, name, None)) for name in names},
        "others": other_settings(settings),
        "cache_tables": cache_tables(settings),
        "login_code": {},
    }
    if "django.contrib.auth" in settings.INSTALLED_APPS:
        from django.contrib.auth import get_user_model

        user = get_user_model()
        facts["hashers"] = hasher_facts()
        facts["login_code"] = login_code(settings)
        facts["user_table"] = user._meta.db_table
        facts["login_fields"] = [str(user.USERNAME_FIELD), str(getattr(user, "EMAIL_FIELD", ""))]
    return facts


def describe(request: Dict[str, Any]) -> Dict[str, Any]:
    """Answer ``describe``: versions, settings, models and migrations."""

    import django
    from django.apps import apps
    from django.db import connection
    from django.utils import translation

    models = apps.get_models(include_auto_created=True)
    with translation.override(None):  # texts for people are the same in every language
        return {
            "versions": {"django": django.get_version(), "python": "%d.%d" % sys.version_info[:2]},
            "settings": settings_facts(connection, request.get("key", ""), request.get("names", [])),
            "models": [facts_or_name(model, lambda model=model: model_facts(model, connection)) for model in models],
            "migrations": migrations(),
        }


def files(request: Dict[str, Any]) -> Dict[str, Any]:
    """Return for each name whether the storage of a field finds it, or its error."""
    from django.apps import apps

    field = apps.get_model(request["model"])._meta.get_field(request["field"])
    found: List[Union[bool, str]] = []
    for name in request["names"]:
        try:
            found.append(bool(field.storage.exists(name)))
        except Exception as error:
            found.append("%s: %s" % (type(error).__name__, error))
    return {"found": found}


def model_at(path: str) -> Any:
    """Return the model of a path or a label; not every model can be imported from the module of its class."""
    from django.apps import apps
    from django.utils.module_loading import import_string

    if path.count(".") == 1:
        return apps.get_model(path)
    known = (model for model in apps.get_models(include_auto_created=True) if dotted(model) == path)
    return next(known, None) or import_string(path)


def load(request: Dict[str, Any]) -> List[Any]:
    """Load a chapter; only an agent that was started to act does so."""
    if not ACTING:
        raise RuntimeError("the agent was started to describe; only an agent that was started to act loads chapters")
    given = {"plain": plain, "dotted": dotted, "answer": answer, "model_at": model_at}
    names = {**given, **SHARED, "__name__": "handover_" + request["name"]}
    exec(compile(request["source"], "handover-" + request["name"], "exec"), names)  # noqa: S102
    ANSWERS.update(names["ANSWERS"])
    SHARED.update({name: names[name] for name in names.get("SHARES", ())})
    return sorted(names["ANSWERS"])


ANSWERS = {"describe": describe, "render": render, "files": files, "load": load}
ACTING: List[bool] = []
# Names that chapters find besides the agent's; each chapter may add names for later ones.
SHARED = {"Walk": Walk, "editor_of": editor_of}


def answer(request: Dict[str, Any]) -> Any:
    """Return the answer to a request."""
    return ANSWERS[request["do"]](request)


def main(requests: Any) -> None:
    """Answer requests, one a line, until there are no more; the project cannot reach the dialogue."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the system's own prints must not mix with the answers
    for line in requests:
        try:
            request = json.loads(line)
            if request["do"] == "start":
                start(request)
                reply: Dict[str, Any] = {"ok": True}
            else:
                reply = {"ok": answer(request)}
        except BaseException:
            reply = {"error": traceback.format_exc()}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def start(request: Dict[str, Any]) -> None:
    """Become the system, with its folder, environment and settings, but not its databases."""
    os.environ.update(request["environment"])
    os.environ["DJANGO_SETTINGS_MODULE"] = request["settings"]
    sys.dont_write_bytecode = True  # so that no file is written in the project
    os.chdir(request["path"])
    sys.path.insert(0, os.getcwd())
    stand_guard()
    import django
    from django.conf import settings

    acting = request.get("acting")
    if acting:
        # The database to act on comes from outside: the system's own settings may lead to production.
        lead_to(request["database"])
    elif settings.INSTALLED_APPS is not None:  # this loads the settings, with the environment as it was
        os.environ["PGOPTIONS"] = " ".join(filter(None, [os.environ.get("PGOPTIONS"), READ_ONLY]))
    if request.get("reads"):
        become("reading")
    django.setup()
    # What a system does at its start was not asked for, so even an acting one could not write until now.
    become("open" if acting else "closed")
    if acting:
        ACTING.append(True)

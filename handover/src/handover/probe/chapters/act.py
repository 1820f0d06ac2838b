"""Use the system's own ORM: create, read, change and delete rows through its models and managers.

Values travel typed. JSON's own null, true, whole numbers and texts stand for themselves; everything else is a list
that begins with the name of its type, so 1 is not 1.0, and the order of the keys of an object stays. Rows are keyed by
column, which both systems share; a model is named by its label or by its import path.
"""

import base64
import datetime
import decimal
import uuid
from typing import TYPE_CHECKING, Any, Dict, List

if TYPE_CHECKING:  # they are given to it
    from handover.probe.agent import answer, model_at
    from handover.probe.plain import dotted

HELD: Dict[Any, Any] = {}
NAMES: Dict[Any, Dict[str, str]] = {}
OPEN: List[Any] = []
READ_ONLY = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"


def write_to_nobody() -> None:
    """Stop e-mails: signals and save() methods of the system run, but their messages are not sent."""
    from django.conf import settings

    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"


write_to_nobody()

# --- values


def encode(value: Any) -> Any:
    """Return the wire form of a value; a value without one is sent as its class and its text."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    return FORMS[kind](value) if kind in FORMS else encode_object(value)


def encode_moment(value: Any) -> List[Any]:
    """Encode a datetime."""
    return ["datetime", value.isoformat(), None if value.tzinfo is None else str(value.tzinfo)]


def encode_bytes(value: Any) -> List[Any]:
    """Encode bytes."""
    return ["bytes", base64.b64encode(bytes(value)).decode()]


FORMS: Dict[type, Any] = {
    float: lambda v: ["float", repr(v)],
    decimal.Decimal: lambda v: ["decimal", str(v)],
    datetime.datetime: encode_moment,
    datetime.date: lambda v: ["date", v.isoformat()],
    datetime.time: lambda v: ["time", v.isoformat()],
    datetime.timedelta: lambda v: ["timedelta", v.days, v.seconds, v.microseconds],
    uuid.UUID: lambda v: ["uuid", str(v)],
    bytes: encode_bytes,
    memoryview: encode_bytes,  # psycopg 2 reads these
    list: lambda v: ["list", [encode(item) for item in v]],
    tuple: lambda v: ["tuple", [encode(item) for item in v]],
    dict: lambda v: ["dict", [[encode(key), encode(item)] for key, item in v.items()]],
}


def encode_object(value: Any) -> List[Any]:
    """Encode a file, a range, or another object."""

    from django.db.models.fields.files import FieldFile

    if isinstance(value, FieldFile):
        return ["file", value.name]
    if "Range" in type(value).__name__ and hasattr(value, "isempty"):
        bounds = "" if value.isempty else ("[" if value.lower_inc else "(") + ("]" if value.upper_inc else ")")
        return ["range", encode(value.lower), encode(value.upper), bounds]
    return ["other", dotted(type(value)), str(value)]


def decode(wire: Any) -> Any:
    """Return the value of a wire form."""
    if not isinstance(wire, list):
        return wire
    kind, rest = wire[0], wire[1:]
    return DECODERS[kind](*rest)


def decode_datetime(text: str, zone: Any) -> Any:
    """Return a moment; a system without time zones gets its local time, as its own code would make it."""
    from django.conf import settings
    from django.utils import timezone

    value = datetime.datetime.fromisoformat(text)
    if zone == "UTC":
        value = value.replace(tzinfo=datetime.timezone.utc)
    if value.tzinfo is not None and not settings.USE_TZ:
        return timezone.make_naive(value, timezone.get_default_timezone())
    return value


def json_null() -> Any:
    """Return JSON's null, which is not the database's NULL."""
    import django
    from django.db.models import JSONField, Value

    return Value(None, JSONField()) if django.VERSION >= (4, 2) else Value("null")


DECODERS: Dict[str, Any] = {
    "float": float,
    "decimal": decimal.Decimal,
    "datetime": decode_datetime,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timedelta": datetime.timedelta,
    "uuid": uuid.UUID,
    "bytes": base64.b64decode,
    "list": lambda items: [decode(item) for item in items],
    "tuple": lambda items: tuple(decode(item) for item in items),
    "dict": lambda pairs: {decode(key): decode(item) for key, item in pairs},
    "file": lambda name: name,
    "range": lambda lower, upper, _bounds: (decode(lower), decode(upper)),
    "json_null": json_null,
}


# --- models and rows


def model_of(name: str) -> Any:
    """Return the model with this import path."""
    return model_at(name)


def attribute_names(model: Any) -> Any:
    """Return column → the attribute that holds its value."""
    if model not in NAMES:
        NAMES[model] = {field.column: field.attname for field in model._meta.concrete_fields}
    return NAMES[model]


def given(model: Any, values: Any) -> Dict[str, Any]:
    """Return attribute → value, for values by column."""
    names = attribute_names(model)
    return {names.get(name, name): decode(wire) for name, wire in values.items()}


def conditions(model: Any, where: Any) -> Dict[str, Any]:
    """Return look-ups by column as look-ups by field: ``status__in`` as well as ``status``."""
    names = attribute_names(model)
    found = {}
    for lookup, wire in where.items():
        first, *rest = lookup.split("__")
        found["__".join([names.get(first, first), *rest])] = decode(wire)
    return found


def row_of(thing: Any) -> Dict[str, Any]:
    """Return a row by column, encoded."""
    names = attribute_names(type(thing))
    return {column: encode(getattr(thing, attribute)) for column, attribute in names.items()}


def key_of(thing: Any) -> Any:
    """Return the primary key of a row, encoded."""
    return encode(thing.pk)


def chosen(request: Dict[str, Any], queryset: Any = None) -> Any:
    """Return the rows of a request, through the model's own manager; with ``base`` also those that it hides."""
    model = model_of(request["model"])
    manager = model._base_manager if request.get("base") else model._default_manager
    rows = manager.all() if queryset is None else queryset
    if request.get("where"):
        rows = rows.filter(**conditions(rows.model, request["where"]))
    if request.get("exclude"):
        rows = rows.exclude(**conditions(rows.model, request["exclude"]))
    if "order" in request:
        rows = rows.order_by(*[ordered(rows.model, name) for name in request["order"]])
    return rows[: request["limit"]] if request.get("limit") else rows


def ordered(model: Any, name: str) -> Any:
    """Return an ordering by column as one by attribute."""
    sign = "-" if name.startswith("-") else ""
    name = name.lstrip("-")
    return sign + attribute_names(model).get(name, name)


def selected(request: Dict[str, Any], rows: Any) -> Any:
    """Return what a request selects: rows, keys, their number, or whether there are any."""
    select = request.get("select", "rows")
    if select == "count":
        return rows.count()
    if select == "exists":
        return rows.exists()
    if select == "keys":
        return [key_of(thing) for thing in rows]
    return [row_of(thing) for thing in rows]


# --- requests


def create(request: Dict[str, Any]) -> Any:
    """Answer ``create``: the key of a new row."""
    model = model_of(request["model"])
    thing = model._default_manager.create(**given(model, request["values"]))
    if "held" in request:
        HELD[request["held"]] = thing
    return key_of(thing)


def get(request: Dict[str, Any]) -> Dict[str, Any]:
    """Return one row; with ``held`` the object is kept under that name."""
    thing = chosen(request).get()
    if "held" in request:
        HELD[request["held"]] = thing
    return row_of(thing)


def filter_rows(request: Dict[str, Any]) -> Any:
    """Answer ``filter``: the rows that a filter selects."""
    return selected(request, chosen(request))


def update(request: Dict[str, Any]) -> Any:
    """Answer ``update``: the number of rows that it changed."""
    rows = chosen(request)
    return rows.update(**given(rows.model, request["values"]))


def save(request: Dict[str, Any]) -> Any:
    """Save a held object, after setting attributes of it."""
    thing = HELD[request["held"]]
    for name, value in given(type(thing), request.get("values") or {}).items():
        setattr(thing, name, value)
    if request.get("update_fields") is None:
        thing.save()
    else:
        names = attribute_names(type(thing))
        thing.save(update_fields=[names.get(name, name) for name in request["update_fields"]])
    return key_of(thing)


def refresh(request: Dict[str, Any]) -> Dict[str, Any]:
    """Answer ``refresh``: a held object, read again."""
    thing = HELD[request["held"]]
    thing.refresh_from_db()
    return row_of(thing)


def let_go(request: Dict[str, Any]) -> bool:
    """Answer ``let_go``: whether the object was held."""
    return HELD.pop(request["held"], None) is not None


def delete(request: Dict[str, Any]) -> Any:
    """Delete rows, or a held object; return how many rows were deleted, dependants included."""
    target = HELD.pop(request["held"]) if "held" in request else chosen(request)
    return target.delete()[0]


def bulk_create(request: Dict[str, Any]) -> List[Any]:
    """Answer ``bulk_create``: the keys of the new rows."""
    model = model_of(request["model"])
    things = [model(**given(model, values)) for values in request["rows"]]
    return [key_of(thing) for thing in model._default_manager.bulk_create(things)]


def bulk_update(request: Dict[str, Any]) -> int:
    """Set columns of several rows, each to its own value: ``rows`` is a list of [key, values]."""
    model = model_of(request["model"])
    names = attribute_names(model)
    things = []
    for key, values in request["rows"]:
        thing = model._default_manager.get(pk=decode(key))
        for name, value in given(model, values).items():
            setattr(thing, name, value)
        things.append(thing)
    model._default_manager.bulk_update(things, [field_name(model, names.get(n, n)) for n in request["fields"]])
    return len(things)


def field_name(model: Any, attribute: Any) -> Any:
    """Return the name of the field with this attribute."""
    return next(f.name for f in model._meta.concrete_fields if attribute in (f.attname, f.name))


def related(request: Dict[str, Any]) -> Any:
    """Return what an object's accessor leads to: the rows of a reverse or many-to-many relation, or one object."""
    model = model_of(request["model"])
    thing = model._default_manager.get(**conditions(model, {request.get("by", "pk"): request["key"]}))
    target = getattr(thing, request["accessor"])
    if hasattr(target, "all"):
        return selected(request, chosen(request.get("of") or {"model": request["model"]}, target.all()))
    return [key_of(target) if request.get("select") == "keys" else row_of(target)]


def relate(request: Dict[str, Any]) -> Any:
    """Add, remove or set the targets of a many-to-many field."""
    thing = model_of(request["model"])._default_manager.get(pk=decode(request["key"]))
    keys = [decode(key) for key in request["keys"]]
    target = getattr(thing, request["accessor"])
    if request["how"] == "set":
        target.set(keys)
    else:
        getattr(target, request["how"])(*keys)
    return target.count()


# --- transactions


def begin(_request: Any) -> int:
    """Answer ``begin``: open a transaction or a savepoint; return how many are open."""

    from django.db import transaction

    block = transaction.atomic()
    block.__enter__()
    OPEN.append(block)
    return len(OPEN)


def commit(_request: Any) -> int:
    """Answer ``commit``: end the innermost one; return how many are open."""
    OPEN.pop().__exit__(None, None, None)
    return len(OPEN)


def rollback(_request: Any) -> int:
    """Answer ``rollback``: undo the innermost one; return how many are open."""

    from django.db import transaction

    transaction.set_rollback(True)
    OPEN.pop().__exit__(None, None, None)
    return len(OPEN)


def read_only(_request: Any) -> Any:
    """Make this agent read-only: every transaction of every connection, enforced by the database."""
    from django.db import connection
    from django.db.backends.signals import connection_created

    connection_created.connect(make_read_only, weak=False)
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SHOW default_transaction_read_only")
        return cursor.fetchone()[0]


def make_read_only(connection: Any, **_kwargs: Any) -> None:
    """Make a new connection read-only."""
    with connection.cursor() as cursor:
        cursor.execute(READ_ONLY)


def batch(request: Dict[str, Any]) -> List[Any]:
    """Answer several requests; one that raises gives the class and the message, and the next one is answered."""
    answers = []
    for one in request["requests"]:
        try:
            answers.append({"ok": answer(one)})
        except Exception as error:
            classes = [cls.__name__ for cls in type(error).__mro__[:-2]]
            answers.append({"raised": classes, "words": str(error)})
    return answers


ANSWERS = {
    "create": create,
    "get": get,
    "filter": filter_rows,
    "update": update,
    "save": save,
    "refresh": refresh,
    "let_go": let_go,
    "delete": delete,
    "bulk_create": bulk_create,
    "bulk_update": bulk_update,
    "related": related,
    "relate": relate,
    "begin": begin,
    "commit": commit,
    "rollback": rollback,
    "read_only": read_only,
    "batch": batch,
}
# Names that later chapters find.
SHARES = ("encode", "decode", "model_of", "given", "conditions", "row_of", "key_of", "chosen", "HELD")

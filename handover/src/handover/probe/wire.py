"""The wire form of values that an agent sends or receives, the same as in ``chapters/act.py``.

The wire forms are compared, not the values: so 1 is not 1.0, NaN equals NaN, and the order of keys counts.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

Wire = Any


class JsonNull:
    """JSON's null in a column of JSON, which is not the database's NULL."""

    def __repr__(self) -> str:
        return "JSON_NULL"


JSON_NULL = JsonNull()


@dataclass(frozen=True)
class Strange:
    """A value of a class without a wire form: its class and its text."""

    class_name: str
    text: str


def encode(value: object) -> Wire:
    """Return the wire form of a value.

    Raises
    ------
    TypeError
        Its class has no wire form.
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind not in FORMS:
        raise TypeError(f"{kind.__name__} has no wire form")
    return FORMS[kind](value)


FORMS: dict[type, Callable[[Any], list[Wire]]] = {
    float: lambda v: ["float", repr(v)],
    Decimal: lambda v: ["decimal", str(v)],
    datetime: lambda v: ["datetime", v.isoformat(), None if v.tzinfo is None else str(v.tzinfo)],
    date: lambda v: ["date", v.isoformat()],
    time: lambda v: ["time", v.isoformat()],
    timedelta: lambda v: ["timedelta", v.days, v.seconds, v.microseconds],
    UUID: lambda v: ["uuid", str(v)],
    bytes: lambda v: ["bytes", base64.b64encode(v).decode()],
    list: lambda v: ["list", [encode(item) for item in v]],
    tuple: lambda v: ["tuple", [encode(item) for item in v]],
    dict: lambda v: ["dict", [[encode(key), encode(item)] for key, item in v.items()]],
    JsonNull: lambda _: ["json_null"],
}


def decode(wire: Wire) -> Any:
    """Return the value of a wire form; a file as its name, a range as its two ends."""
    return VALUES[wire[0]](*wire[1:]) if isinstance(wire, list) else wire


def _moment(text: str, zone: str | None) -> datetime:
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if zone == "UTC" else value


VALUES: dict[str, Callable[..., Any]] = {
    "float": float,
    "decimal": Decimal,
    "datetime": _moment,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "timedelta": timedelta,
    "uuid": UUID,
    "bytes": base64.b64decode,
    "list": lambda items: [decode(item) for item in items],
    "tuple": lambda items: tuple(decode(item) for item in items),
    "dict": lambda pairs: {decode(key): decode(item) for key, item in pairs},
    "json_null": lambda: JSON_NULL,
    "file": lambda name: name,
    "range": lambda lower, upper, _bounds: (decode(lower), decode(upper)),
    "other": Strange,
}


def same(one: Wire, other: Wire) -> bool:
    """Say whether two values are the same in type and value."""
    return json.dumps(one) == json.dumps(other)


def shown(wire: Wire) -> str:
    """Return a value for people to read, with its type if Python's own text does not show it."""
    match wire:
        case ["file", name]:
            return f"file {name!r}"
        case ["datetime", text, zone]:
            return f"datetime {text} in {zone or 'no zone'}"
        case ["other", class_name, text]:
            return f"{class_name} {text!r}"
        case ["range", *_]:
            return f"range {wire[1:]!r}"
    return repr(decode(wire))

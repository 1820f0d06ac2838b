"""Values for a field, derived from its own description: tidy, untidy, and at every boundary.

Production holds values that no form would accept: a status that is no choice, a length that is no number, an absolute
path of a machine that is gone. The values of a field include those of its kind.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from handover.probe.wire import JSON_NULL
from handover.schema.models import Field

TEXTS = ("CharField", "TextField", "SlugField", "URLField", "EmailField", "FilePathField", "CICharField", "CITextField")
FILES = ("FileField", "ImageField")
WHOLE = {"smallint": 15, "integer": 31, "bigint": 63}
AUTOMATIC = ("AutoField", "BigAutoField", "SmallAutoField")
FREE_TEXT_MAX = 3000
JSON_LEAVES = 8

WORDS = (
    "", "a", "Ábaco", " padded ", "e\u0301 is é", "ß \u0130 \u0131", "💃🏽🕺", "'quoted' \"twice\" \\", "50%_off",
    "two\nlines\t.", "null", "0", "مرحبا", "zero\u200bwidth", "MiXeD", "\ufeffmark", "a" * 100_000,
)  # fmt: skip
# From every plane and kind; the database stores no NUL, and no half of a surrogate pair.
LETTERS = (
    "aAzZ09 _-.,:;!?/\\'\"%@#&<>\t\n\r\x01\x7f\x85\xa0\xadñÑéßŁ\u0130\u0131\u017fǅΣςЖӜאبठ한漢字"
    "\u0301\u200b\u200d\u202e\u2028\ud7ff\ue000\ufeff\ufffd\uffff💃🏽\U000e0001\U0010ffff"
)
EMAILS = ("", "Mixed.Case@Example.ORG", "lower@example.org", "no-address", "ñ@ejemplo.es")
PATHS = (
    "", "folder/file.mp4", "/old/machine/output/file.mp4", "no/such/file.mp4", "ünïcödé name.mp4", "./x//y.mp4",
    "f" * 2_000,
)  # fmt: skip
FLOATS = (0.0, -0.0, 0.1 + 0.2, 1 / 3, -1.5, 1e308, 5e-324, float("nan"), float("inf"), float("-inf"), 123456789.125)
MOMENTS = tuple(
    datetime.fromisoformat(text)
    for text in (
        "2024-02-29T12:34:56.789012+00:00", "2024-03-31T01:30:00+00:00", "2024-10-27T00:30:00.000001+00:00",
        "1969-12-31T23:59:59.999999+00:00", "2000-01-01T00:00:00+00:00", "0002-01-02T03:04:05+00:00",
        "9998-12-30T23:59:59.999999+00:00", "2024-06-15T23:30:00+00:00",
    )
)  # fmt: skip
DAYS = (date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1))
TIMES = (time(0, 0), time(23, 59, 59, 999999), time(12, 0, 0, 1))
SPANS = (
    timedelta(0),
    timedelta(microseconds=1),
    timedelta(days=-1, seconds=3),
    timedelta(days=999),
    timedelta(hours=30),
)
TREES: tuple[Any, ...] = (
    {}, [], {"b": 1, "a": 2, "aa": 3}, JSON_NULL, "text", "", 0, True, False, 1.0, 0.1, 2**63, [1, [2, [None]]],
    {"": ""}, {"a": {"b": {"c": [1, "ñ", None, True, 2.5]}}}, {"key": None}, ["list", {"of": "things"}], {"Ñ": "💃🏽"},
    "null", -1,
)  # fmt: skip
KEYS = (UUID(int=0), UUID(int=2**128 - 1), UUID("12345678-1234-5678-9abc-def012345678"))
ADDRESSES = ("10.0.0.1", "::1", "2001:db8::1")


class NoValuesError(Exception):
    """The proof has no values for this kind of field."""


def automatic(field: Field) -> bool:
    """Say whether the field gets its value by itself: a counted key, a time stamp, or a computed column."""
    return field.kind in AUTOMATIC or field.auto_now or field.auto_now_add or field.generated


def optional(field: Field) -> bool:
    """Say whether a row may be made without a value for the field."""
    if field.unique and not field.null:  # an empty text is a value, and only one row can have it
        return automatic(field) or field.default.kind == "callable"
    return automatic(field) or field.null or field.default.kind != "none" or field.kind in (*TEXTS, *FILES)


def corners(field: Field) -> list[Any]:
    """Return the values at the boundaries of a field, and the untidy ones.

    Raises
    ------
    NoValuesError
        The proof has no values for its kind.
    """
    found = [value for value in (*_choices(field), *_corners(field)) if _fits(field, value)]
    if field.null:
        found.append(None)
    return [value for value in found if not (field.primary_key and value in ("", None))]


def strategy(field: Field) -> st.SearchStrategy[Any]:
    """Return a Hypothesis strategy for a field; it shrinks to the plainest value.

    Raises
    ------
    NoValuesError
        The proof has no values for its kind.
    """
    parts = [st.sampled_from(choices)] if (choices := _choices(field)) else []
    parts.append(_strategy(field))
    parts.append(st.sampled_from(corners(field)))
    if field.null:
        parts.insert(0, st.none())
    return st.one_of(parts)


def plainest(field: Field, number: int) -> Any:
    """Return a value for a field that must have one; texts and keys differ by ``number``.

    Raises
    ------
    NoValuesError
        The proof has no values for its kind.
    """
    if choices := _choices(field):
        return choices[0]
    if field.kind == "UUIDField":
        return UUID(int=number, version=4)
    if field.kind in TEXTS:
        return f"proof{number:x}"[: field.max_length] if field.kind != "EmailField" else f"p{number:x}@example.org"
    value = corners(field)[0]
    return number % 2**15 if type(value) is int and field.unique else value


# --- values of each kind


def _choices(field: Field) -> list[Any]:
    kinds: dict[str, Callable[[str], Any]] = {"str": str, "int": int}
    if isinstance(field.choices, str):
        return []
    parts = [value.partition(":") for value, _ in field.choices]
    return [kinds[kind](text) for kind, _, text in parts if kind in kinds]


def _corners(field: Field) -> tuple[Any, ...]:  # noqa: PLR0911 - one a kind
    kind = field.kind
    if kind in TEXTS:
        outside = ("no such choice", *(c.upper() for c in _choices(field) if isinstance(c, str)))
        return outside if _choices(field) else EMAILS if kind == "EmailField" else _cut(field, WORDS)
    if kind in FILES:
        return _cut(field, PATHS)
    if field.type in WHOLE:
        return _whole(field)
    if kind == "DecimalField":
        return _decimals(field)
    if kind == "ArrayField":
        inner = _inner(field)
        return ([], [corners(inner)[1]], [*corners(inner)[:3]])
    if field.kind.endswith("RangeField") and kind in RANGES:
        return RANGES[kind]
    if kind in SIMPLE:
        return SIMPLE[kind]
    raise NoValuesError(f"{field.column} is a {kind} ({field.type})")


def _strategy(field: Field) -> st.SearchStrategy[Any]:
    kind = field.kind
    if kind in (*TEXTS, *FILES):
        return st.text(LETTERS, min_size=int(field.primary_key), max_size=min(field.max_length or 200, 200))
    if field.type in WHOLE:
        low, high = _limits(field)
        return st.integers(low, high)
    if kind == "DecimalField":
        _, places = _digits(field)
        top = _decimals(field)[1]
        return st.decimals(-top, top, allow_nan=False, allow_infinity=False, places=places)
    if kind == "ArrayField":
        return st.lists(strategy(_inner(field)), max_size=3)
    return RANDOM[kind]() if kind in RANDOM else st.sampled_from(_corners(field))


def _trees() -> st.SearchStrategy[Any]:
    texts = st.text(LETTERS, max_size=20)
    floats = st.floats(allow_nan=False, allow_infinity=False)
    leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | floats | texts
    nested: Callable[[st.SearchStrategy[Any]], st.SearchStrategy[Any]] = lambda inner: (  # noqa: E731
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    )
    return st.recursive(leaves, nested, max_leaves=JSON_LEAVES).filter(lambda tree: tree is not None)


def _moments() -> st.SearchStrategy[datetime]:
    return st.datetimes(datetime(2, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001


RANDOM: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
    "FloatField": st.floats,
    "BooleanField": st.booleans,
    "DateTimeField": _moments,
    "DateField": st.dates,
    "TimeField": st.times,
    "DurationField": lambda: st.timedeltas(timedelta(days=-1000), timedelta(days=1000)),
    "JSONField": _trees,
    "UUIDField": st.uuids,
    "BinaryField": lambda: st.binary(max_size=100),
}
SIMPLE: dict[str, tuple[Any, ...]] = {
    "FloatField": FLOATS,
    "BooleanField": (False, True),
    "NullBooleanField": (False, True, None),
    "DateTimeField": MOMENTS,
    "DateField": DAYS,
    "TimeField": TIMES,
    "DurationField": SPANS,
    "JSONField": TREES,
    "UUIDField": KEYS,
    "BinaryField": (b"", b"\x00\xff"),
    "GenericIPAddressField": ADDRESSES,
    "IPAddressField": ADDRESSES[:1],
    "HStoreField": ({}, {"a": "b", "c": None}),
}
RANGES: dict[str, tuple[Any, ...]] = {
    "DateTimeRangeField": ((MOMENTS[1], MOMENTS[0]) if MOMENTS[1] < MOMENTS[0] else (MOMENTS[0], MOMENTS[1]),),
    "DateRangeField": ((DAYS[1], DAYS[0]),),
    "IntegerRangeField": ((1, 5), (None, 3)),
    "BigIntegerRangeField": ((1, 2**40),),
    "DecimalRangeField": ((Decimal("0.1"), Decimal("2.5")),),
}


def _fits(field: Field, value: Any) -> bool:
    return not (isinstance(value, str) and field.max_length is not None and len(value) > field.max_length)


def _cut(field: Field, words: tuple[str, ...]) -> tuple[str, ...]:
    limit = field.max_length or FREE_TEXT_MAX
    return tuple(dict.fromkeys(word[:limit] if len(word) > 200 else word for word in words))  # noqa: PLR2004


def _limits(field: Field) -> tuple[int, int]:
    bits = WHOLE[field.type]
    low = 0 if field.kind.startswith("Positive") else -(2**bits)
    return low, 2**bits - 1


def _whole(field: Field) -> tuple[int, ...]:
    low, high = _limits(field)
    return tuple(n for n in (0, 1, -1, 50, 100, 101, 1000, low, high) if low <= n <= high)


def _digits(field: Field) -> tuple[int, int]:
    found = re.fullmatch(r"numeric\((\d+), ?(\d+)\)", field.type)
    return (int(found[1]), int(found[2])) if found else (20, 6)


def _decimals(field: Field) -> tuple[Decimal, ...]:
    digits, places = _digits(field)
    step = Decimal(1).scaleb(-places)
    top = Decimal(10**digits - 1).scaleb(-places)
    return (Decimal(0).quantize(step), top, -top, step, -step, Decimal(1).quantize(step) if digits > places else step)


def _inner(field: Field) -> Field:
    """Return the field of an array's elements, from its type in the database."""
    inner = field.type.removesuffix("[]")
    sized = re.fullmatch(r"varchar\((\d+)\)", inner)
    kinds = {"text": "TextField", "uuid": "UUIDField", "boolean": "BooleanField", "double precision": "FloatField"}
    kind = "CharField" if sized else "IntegerField" if inner in WHOLE else kinds.get(inner, "ArrayField?")
    size = int(sized[1]) if sized else None
    changes = {"kind": kind, "type": inner, "max_length": size, "choices": (), "null": False, "primary_key": False}
    return field.model_copy(update=changes)

"""Look-ups of a row by its values, as an application uses them, for each kind of field."""

import math
from collections.abc import Iterator
from typing import Any

from handover.probe.wire import Wire, decode, encode
from handover.proof.actor import Request
from handover.proof.values import FILES, TEXTS
from handover.schema.models import Field

PIECE = 3
SHARE = 4


def lookup_requests(field: Field, wire: Wire, label: str, key: Wire, turn: int | None) -> Iterator[tuple[str, Request]]:
    """Yield (look-up, request) pairs; each request asks whether the look-up finds the row.

    Parameters
    ----------
    field, wire
        The field, and its value in the row.
    label, key
        The model, and the key of the row.
    turn
        All look-ups would cost more than the rest of a round trip, so each turn asks one of every four. None asks all.
    """
    for number, (lookup, value) in enumerate(_lookups(field, wire)):
        if turn is not None and (number + turn) % SHARE:
            continue
        where = {"pk": key, f"{field.column}{lookup}": encode(value)}
        yield lookup.strip("_") or "exact", {"do": "filter", "model": label, "where": where, "select": "count"}


def _lookups(field: Field, wire: Wire) -> Iterator[tuple[str, Any]]:
    value = decode(wire)
    yield "__isnull", value is None
    for choice in field.values():
        yield "", choice
    if field.kind == "JSONField":
        yield from _of_tree(value)
    elif value is None or (isinstance(wire, list) and wire[0] in ("other", "range", "tuple")):
        return
    elif field.kind in (*TEXTS, *FILES):
        yield from (("", value), ("__iexact", value), ("__icontains", value[1 : PIECE + 1]))
        yield from (("__startswith", value[:PIECE]), ("__gt", "m"), ("__in", [value, "x"]))
    elif field.kind == "DateTimeField":
        yield from (("", value), ("__date", value.date()), ("__hour", value.hour), ("__gte", value))
        yield "__year", value.year
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and not field.relation:
        yield from (("", value), ("__gt", 0), ("__lt", 100), ("__in", [value]))
        if math.isfinite(value):
            yield "__lte", value
    else:
        yield "", value


def _of_tree(value: Any) -> Iterator[tuple[str, Any]]:
    if value is None:
        return
    yield "", value
    yield "__contains", value
    if isinstance(value, dict):
        for key, inner in list(value.items())[:1]:
            yield "__has_key", key
            if key.isidentifier() and key.isascii() and isinstance(inner, (str, int)):
                yield f"__{key}", inner

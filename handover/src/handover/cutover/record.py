"""A DNS record, and the part of a zone that a plan depends on."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Record:
    """What one name answers: ``type``, ``ttl_s`` in seconds, ``values`` sorted."""

    type: str
    ttl_s: int
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type} {', '.join(self.values)} (TTL {self.ttl_s} s)"


def record(kind: str, ttl_s: int, values: Iterable[str]) -> Record:
    """Return a record with its values in order, names with their final dot."""
    texts = (value if kind != "CNAME" or value.endswith(".") else f"{value}." for value in values)
    return Record(kind, ttl_s, tuple(sorted(texts)))


@dataclass(frozen=True)
class Held:
    """What one provider holds of the zone.

    Attributes
    ----------
    provider
        Its name in octoDNS's configuration.
    record
        The record in question, or None.
    records
        How many the zone has.
    rest
        A digest of all the others.
    """

    provider: str
    record: Record | None
    records: int
    rest: str

    def as_json(self) -> dict[str, Any]:
        """Return it as a plan holds it."""
        return dict(json.loads(json.dumps(asdict(self))))


def digest(values: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()

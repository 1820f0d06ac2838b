"""A DNS record, and the part of a zone that a plan depends on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class DnsRecord:
    """What one name answers: ``type``, ``ttl_s`` in seconds, ``values`` sorted."""

    type: str
    ttl_s: int
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.type} {', '.join(self.values)} (TTL {self.ttl_s} s)"

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DnsRecord":
        """Return a record from a plan's JSON."""
        return cls(values["type"], values["ttl_s"], tuple(values["values"]))


def dns_record(kind: str, ttl_s: int, values: Iterable[str]) -> DnsRecord:
    """Return a record with its values in order, names with their final dot.

    Parameters
    ----------
    kind
        ``A``, ``AAAA`` or ``CNAME``.
    ttl_s
        How long resolvers may keep it, in seconds.
    values
        Addresses or a name, in any order.

    Examples
    --------
    >>> str(dns_record("CNAME", 60, ["new.example"]))
    'CNAME new.example. (TTL 60 s)'
    """
    texts = (value if kind != "CNAME" or value.endswith(".") else f"{value}." for value in values)
    return DnsRecord(kind, ttl_s, tuple(sorted(texts)))


@dataclass(frozen=True)
class ZoneState:
    """What one provider holds of the zone.

    Attributes
    ----------
    provider
        Its name in octoDNS's configuration.
    record
        The record in question, or None.
    records
        How many records the zone has.
    rest
        A digest of all the other records.
    """

    provider: str
    record: DnsRecord | None
    records: int
    rest: str

    def as_json(self) -> dict[str, Any]:
        """Return it as a plan's file holds it."""
        return dict(json.loads(json.dumps(asdict(self))))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ZoneState":
        """Return it from a plan's JSON."""
        record = values["record"]
        known = DnsRecord.from_json(record) if record is not None else None
        return cls(values["provider"], known, values["records"], values["rest"])


def digest(values: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()

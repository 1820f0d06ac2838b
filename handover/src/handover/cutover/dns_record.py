"""A DNS record, and the part of a zone that a plan depends on."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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

    def as_json(self) -> dict[str, Any]:
        """Return it as a plan's file holds it."""
        return {"type": self.type, "ttl_s": self.ttl_s, "values": list(self.values)}


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
    extras
        What the provider keeps with the record besides type, TTL and values, under the names of octoDNS.
    near
        Other records that decide what people get from ours, as ``NAME TYPE``, with a digest of each.
    others
        All the rest of the zone, likewise.
    is_proxied
        Whether the provider answers with addresses of its own proxy, which passes requests on to the values.
    followers
        Aliases of the zone that lead to the record, as ``NAME TYPE``: their people are moved as well.
    rest
        A digest of all other records at once: plans of an older version have nothing else of the zone.
    """

    provider: str
    record: DnsRecord | None
    records: int
    extras: Mapping[str, Any] = field(default_factory=dict)
    near: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""
    is_proxied: bool = False
    followers: tuple[str, ...] = ()

    def holds(self, wanted: DnsRecord) -> bool:
        """Say whether the record is what is wanted; a proxied one has the TTL of the proxy, whatever is wanted."""
        if self.record is None:
            return False
        return self.record == wanted or (self.is_proxied and self.record == self.settable(wanted))

    def settable(self, wanted: DnsRecord) -> DnsRecord:
        """Return what is wanted with the TTL that can be had here."""
        if self.record is None or not self.is_proxied:
            return wanted
        return DnsRecord(wanted.type, self.record.ttl_s, wanted.values)

    def as_seen(self) -> dict[str, Any]:
        """Return what the journal keeps of it: the record, without the rest of the zone."""
        record = self.record.as_json() if self.record else None
        found = {"provider": self.provider, "record": record, "records": self.records}
        found |= {"extras": dict(self.extras)} if self.extras else {}
        return found | ({"is_proxied": True} if self.is_proxied else {})

    def as_json(self) -> dict[str, Any]:
        """Return it as a plan's file holds it."""
        known = {"near": dict(self.near), "others": dict(self.others), "followers": list(self.followers)}
        return self.as_seen() | {"rest": self.rest} | {name: records for name, records in known.items() if records}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ZoneState":
        """Return it from a plan's JSON."""
        record = values["record"]
        known = DnsRecord.from_json(record) if record is not None else None
        parts = {name: dict(values.get(name, {})) for name in ("extras", "near", "others")}
        rest, is_proxied = values.get("rest", ""), bool(values.get("is_proxied"))
        followers = tuple(values.get("followers", ()))
        return cls(
            values["provider"], known, values["records"], **parts, rest=rest, is_proxied=is_proxied, followers=followers
        )


def extras_lines(extras: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return what a provider keeps with a record, one ``NAME = VALUE`` each.

    Examples
    --------
    >>> extras_lines({"cloudflare": {"proxied": True, "comment": "the shop"}})
    ['cloudflare.comment = "the shop"', 'cloudflare.proxied = true']
    """
    lines = []
    for name, value in sorted(extras.items()):
        if isinstance(value, Mapping):
            lines += extras_lines(value, f"{prefix}{name}.")
        else:
            lines.append(f"{prefix}{name} = {json.dumps(value, ensure_ascii=False, default=str)}")
    return lines


def digest(values: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()

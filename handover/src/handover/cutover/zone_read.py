"""One look at a zone through octoDNS: our record with all that is kept with it, and what stands around it."""

# ruff: noqa: PLC0415, SLF001 - octoDNS comes with the extra [dns]; a record's type is `_type` there

from collections.abc import Mapping
from typing import Any, NamedTuple

from handover.config.config import Dns
from handover.cutover.dns_record import DnsRecord, ZoneState, digest, dns_record
from handover.cutover.neighbours import around, key
from handover.cutover.unread import RawRecord, facts_of, is_proxied, raw_records
from handover.errors import Refused

ALIASES = ("ALIAS", "CNAME")
# Every type that answers "where is it?" itself; one name has one of them.
LEADS = ("A", "AAAA", *ALIASES, "Route53Provider/ALIAS")
# What octoDNS calls an alias is kept as other types.
KINDS_OF_ALIASES = {"ALIAS": ALIASES, "Route53Provider/ALIAS": ("Route53Provider/ALIAS", "A", "AAAA")}
Facts = dict[str, str]


class ZoneRead(NamedTuple):
    """A zone as octoDNS reads it, what is known of it, and its records in the provider's own words, if known."""

    zone: Any
    state: ZoneState
    raw: list[RawRecord] | None


def read_zone(handle: Any, dns: Dns, name: str) -> ZoneRead:
    """Return what octoDNS's provider holds, seen from the record ``name``.

    Parameters
    ----------
    handle
        octoDNS's provider.
    dns, name
        The zone, and the record relative to it.

    Raises
    ------
    Refused
        The name has several records.
    """
    from octodns.zone import Zone  # type: ignore[import-untyped]

    zone = Zone(f"{dns.zone.rstrip('.')}.", set())
    raw = raw_records(handle, zone)
    handle.populate(zone, lenient=True)
    ours = [one for one in zone.records if one.name == name and one._type in LEADS]
    if len(ours) > 1:
        kinds = ", ".join(sorted(one._type for one in ours))
        message = f"{name}.{zone.name} has several records ({kinds}); the switch moves one."
        raise Refused(f"{message} Leave the one that [dns] type names.", code="HO573")
    near, others = _around(zone, raw, dns, name, ours)
    extras = _extras(ours[0]) if ours else {}
    state = ZoneState(
        provider=handle.id,
        record=_record(ours[0]) if ours else None,
        records=len(zone.records),
        extras=extras,
        near=near,
        others=others,
        rest=_digest_of_rest(zone, ours, dns),
        is_proxied=is_proxied(handle, extras),
        followers=_followers(zone, name),
    )
    return ZoneRead(zone, state, raw)


def _around(zone: Any, raw: list[RawRecord] | None, dns: Dns, name: str, ours: list[Any]) -> tuple[Facts, Facts]:
    """Return the digests of the records near ours, and those of all the others."""
    read = {key(one.name, one._type): digest(one.data)[:12] for one in zone.records}
    facts = read if raw is None else facts_of(raw)
    facts.pop(key("", "SOA"), None)
    kinds = {kind for one in ours for kind in KINDS_OF_ALIASES.get(one._type, (one._type,))}
    surroundings = around(dns, name)
    near, others = {}, {}
    for place, facts_digest in facts.items():
        label, kind = place.split(" ")
        label = "" if label == "@" else label
        if label == name and kind in kinds:
            continue
        if surroundings.is_near(label, kind):
            near[place] = facts_digest
        elif label not in _aside(dns):
            others[place] = facts_digest
    return near, others


def _aside(dns: Dns) -> set[str]:
    """Return the second name, which a switch ignores."""
    second = dns.rehearsal_record
    return {second} if second and second != dns.record else set()


def _digest_of_rest(zone: Any, ours: list[Any], dns: Dns) -> str:
    """Return a digest of all other records, as plans of an older version have it."""
    beside = [one for one in zone.records if one not in ours and one.name not in _aside(dns)]
    return digest(sorted([one.name, one._type, str(one.ttl), digest(one.data)] for one in beside))


def _record(found: Any) -> DnsRecord:
    values = found.values if hasattr(found, "values") else [found.value]
    return dns_record(found._type, found.ttl, map(str, values))


def _followers(zone: Any, name: str) -> tuple[str, ...]:
    """Return the aliases of the zone that lead to a name, through others of the zone as well."""
    leads = {one.name: one.value for one in zone.records if one._type in ALIASES}
    kinds = {one.name: one._type for one in zone.records if one._type in ALIASES}
    found: set[str] = set()
    targets = {f"{name}.{zone.name}" if name else zone.name}
    while more := {label for label, target in leads.items() if target in targets and label != name} - found:
        found |= more
        targets = {f"{label}.{zone.name}" if label else zone.name for label in more}
    return tuple(sorted(key(label, kinds[label]) for label in found))


def _extras(found: Any) -> dict[str, Any]:
    """Return all that octoDNS has of a record besides its type, TTL and values."""
    data = {part: value for part, value in found.data.items() if part not in ("type", "ttl", "value", "values")}
    return dict(_ordered({**data.pop("octodns", {}), **data}))


def _ordered(value: Any) -> Any:
    """Return a value with its lists of words in order: some providers give tags back in another one."""
    if isinstance(value, Mapping):
        return {name: _ordered(inner) for name, inner in value.items()}
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return sorted(value)
    return value

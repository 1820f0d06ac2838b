"""What Cloudflare, Route 53 and Google Cloud DNS keep of a zone and their octoDNS packages do not read.

octoDNS reads of a Cloudflare record what its first value has, of a Route 53 set the first of its kind, and of Google
nothing that answers by place or weight. So the zone is read once more through the package's own client. A provider
that is not known here is believed to keep what octoDNS reads.
"""

# ruff: noqa: SLF001 - octoDNS's packages have no other way to the requests that they send

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from handover.cutover.dns_record import digest
from handover.cutover.neighbours import key

# What Cloudflare keeps for each value of a record; octoDNS keeps those of the first value for all of them.
CLOUDFLARE_OF_VALUES = ("proxied", "ttl", "comment", "tags")
CLOUDFLARE_FACTS = ("content", "data", "priority", "settings", *CLOUDFLARE_OF_VALUES)
CLOUDFLARE_PAGE = 100
SIMPLE_SET = frozenset(("Name", "Type", "TTL", "ResourceRecords"))


@dataclass(frozen=True)
class RawRecord:
    """One record as the provider has it: ``facts`` are in its own words, ``unkept`` says what octoDNS would lose."""

    name: str
    type: str
    facts: Mapping[str, Any]
    unkept: str = ""


def raw_records(handle: Any, zone: Any) -> list[RawRecord] | None:
    """Return the records of a zone as the provider has them; None for a provider that is not known here.

    Parameters
    ----------
    handle, zone
        octoDNS's provider, and an empty octoDNS zone of the name.
    """
    read = _reader(handle)
    return None if read is None else [one for one in read(handle, zone) if one.type != "SOA"]


def applies_only_changes(handle: Any) -> bool:
    """Say whether a provider is known to send the changes of a plan alone, whatever else octoDNS wants to mend."""
    return _reader(handle) is not None


def _reader(handle: Any) -> Callable[[Any, Any], Iterable[RawRecord]] | None:
    packages = {base.__module__.partition(".")[0] for base in type(handle).__mro__}
    return next((read for package, read in _READERS.items() if package in packages), None)


def is_proxied(handle: Any, extras: Mapping[str, Any]) -> bool:
    """Say whether Cloudflare answers with addresses of its own; with other providers that word means nothing."""
    return _reader(handle) is _cloudflare and bool(extras.get("cloudflare", {}).get("proxied"))


def doomed_checks(handle: Any, record: Any) -> list[str]:
    """Return the health checks that octoDNS made for a record: it deletes those that no pool uses with any change."""
    if _reader(handle) is not _route53 or record._type not in ("A", "AAAA", "CNAME"):
        return []
    of_record, of_old = f":{record._type}:{record.fqdn}:", f"0000:{record._type}:"
    found = []
    for name, check in handle.health_checks.items():
        reference, config = check["CallerReference"], check["HealthCheckConfig"]
        legacy = reference.startswith(of_old) and config.get("FullyQualifiedDomainName") == record.fqdn[:-1]
        if legacy or reference[4:].startswith(of_record):
            found.append(f"a health check of octoDNS ({name}) that it would delete")
    return sorted(found)


def facts_of(records: Iterable[RawRecord]) -> dict[str, str]:
    """Return a digest of each name and type."""
    ordered = sorted(records, key=lambda one: (key(one.name, one.type), digest(one.facts)))
    groups = groupby(ordered, lambda one: key(one.name, one.type))
    return {name: digest([one.facts for one in group])[:12] for name, group in groups}


def unkept_at(records: Iterable[RawRecord], name: str) -> list[str]:
    """Return what the records of a name have that would be lost."""
    return sorted({one.unkept for one in records if one.name == name and one.unkept})


def _cloudflare(handle: Any, zone: Any) -> Iterable[RawRecord]:
    zone_id = handle.zones.get(zone.name, {}).get("id")
    if not zone_id:
        return
    found = _cloudflare_records(handle, f"/zones/{zone_id}/dns_records")
    for one in found:
        facts = {name: one.get(name) for name in CLOUDFLARE_FACTS}
        beside = [other for other in found if (other["name"], other["type"]) == (one["name"], one["type"])]
        uneven = [name for name in CLOUDFLARE_OF_VALUES if any(other.get(name) != one.get(name) for other in beside)]
        set_ = [f"{name} = {value}" for name, value in sorted((one.get("settings") or {}).items()) if value]
        parts = [f"settings of its own ({', '.join(set_)})"] if set_ else []
        if uneven:
            parts.append(f"values that differ in {', '.join(uneven)}")
        yield RawRecord(zone.hostname_from_fqdn(one["name"]), one["type"], facts, " and ".join(parts))


def _cloudflare_records(handle: Any, path: str) -> list[dict[str, Any]]:
    """Return all records, of types that octoDNS does not know, too."""
    page, found, part = 1, [], None
    while part is None or len(part) == CLOUDFLARE_PAGE:
        query = {"page": page, "per_page": CLOUDFLARE_PAGE}
        part = handle._try_request("GET", path, params=query)["result"]
        found += part
        page += 1
    return found


def _route53(handle: Any, zone: Any) -> Iterable[RawRecord]:
    zone_id = handle._get_zone_id(zone.name)
    for one in handle._load_records(zone_id) if zone_id else ():
        name = zone.hostname_from_fqdn(one["Name"].replace("\\052", "*"))
        more = [f"{what} {value}" for what, value in sorted(one.items()) if what not in SIMPLE_SET]
        yield RawRecord(name, one["Type"], one, f"a set with {', '.join(more)}" if more else "")


def _google(handle: Any, zone: Any) -> Iterable[RawRecord]:
    managed = handle.gcloud_zones.get(zone.name)
    for one in _google_sets(handle, managed) if managed else ():
        policy = one.get("routingPolicy")
        facts = {name: one.get(name) for name in ("ttl", "rrdatas", "routingPolicy")}
        kinds = ", ".join(sorted(name for name in policy or {} if name != "kind"))
        name = zone.hostname_from_fqdn(one["name"])
        yield RawRecord(name, one["type"], facts, f"a routing policy ({kinds})" if policy else "")


def _google_sets(handle: Any, managed: Any) -> list[dict[str, Any]]:
    """Return Google's record sets; keep those of no routing policy for octoDNS, which cannot read the others."""
    path = f"/projects/{managed.project}/managedZones/{managed.name}/rrsets"
    query: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    while True:
        answer = handle.gcloud_client._connection.api_request(method="GET", path=path, query_params=query)
        found += answer.get("rrsets", [])
        if not (token := answer.get("nextPageToken")):
            break
        query = {"pageToken": token}
    plain = [one for one in found if not one.get("routingPolicy")]
    if len(plain) < len(found):
        read = type(managed.resource_record_set("a.", "A", 1, [])).from_api_repr
        handle._gcloud_zones_records[managed.dns_name] = [read(one, managed) for one in plain]
    return found


_READERS: Mapping[str, Callable[[Any, Any], Iterable[RawRecord]]] = {
    "octodns_cloudflare": _cloudflare,
    "octodns_route53": _route53,
    "octodns_googlecloud": _google,
}

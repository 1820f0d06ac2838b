"""The plan of a switch by the DNS record: what changes, from what to what, on which zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handover.cutover.dns_record import DnsRecord, ZoneState


@dataclass(frozen=True, kw_only=True)
class DnsPlan:
    """What a switch to the backend changes.

    Attributes
    ----------
    zone, record, type
        Which record changes; ``record`` is relative to the zone.
    from_values, from_ttl_s
        What the record holds now, and its TTL at each provider.
    to
        The record after the switch.
    zones
        What each provider holds of the zone now. The plan is void when that changes.
    name_servers
        What each authoritative name server answers now, a line each.
    resolvers
        The resolvers that will be asked as well.
    propagation_s
        After how many seconds the old answer has run out everywhere.
    warnings
        What would undo the switch later: see :func:`handover.cutover.provider.contradicting`.
    """

    zone: str
    record: str
    type: str
    from_values: tuple[str, ...]
    from_ttl_s: tuple[int, ...]
    to: DnsRecord
    zones: tuple[ZoneState, ...]
    name_servers: tuple[str, ...]
    resolvers: tuple[str, ...]
    propagation_s: int
    warnings: tuple[str, ...]

    @property
    def name(self) -> str:
        """The whole name of the record, as people ask for it."""
        return f"{self.record}.{self.zone}" if self.record else self.zone

    def zone_at(self, provider_name: str) -> ZoneState | None:
        """Return what a provider held when the plan was made; None for a provider that is no part of it."""
        return next((zone for zone in self.zones if zone.provider == provider_name), None)

    def as_json(self) -> dict[str, Any]:
        """Return everything, under the keys that plans on disk have."""
        return {
            "zone": self.zone,
            "record": self.record,
            "type": self.type,
            "from": {"values": list(self.from_values), "ttl_s": list(self.from_ttl_s)},
            "to": self.to.as_json(),
            "held": [zone.as_json() for zone in self.zones],
            "name_servers": list(self.name_servers),
            "resolvers": list(self.resolvers),
            "propagation_s": self.propagation_s,
            "sources": list(self.warnings),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DnsPlan":
        """Return the plan that a file or the journal holds.

        Raises
        ------
        KeyError, TypeError
            It is no such plan.
        """
        return cls(
            zone=values["zone"],
            record=values["record"],
            type=values["type"],
            from_values=tuple(values["from"]["values"]),
            from_ttl_s=tuple(values["from"]["ttl_s"]),
            to=DnsRecord.from_json(values["to"]),
            zones=tuple(map(ZoneState.from_json, values["held"])),
            name_servers=tuple(values["name_servers"]),
            resolvers=tuple(values["resolvers"]),
            propagation_s=values["propagation_s"],
            warnings=tuple(values["sources"]),
        )

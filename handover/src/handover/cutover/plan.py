"""The plan of a switch: what changes, from what to what, on which zone; and its checksum."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from handover.config.config import Config, Dns
from handover.cutover import nameservers, provider
from handover.cutover.dns_record import DnsRecord, ZoneState, digest
from handover.errors import Refused
from handover.journal.key import folder_key, signing_key
from handover.private_files import private_folder, read_private, write_private
from handover.side import Side
from handover.troubles import why_unreadable

FOLDER = Path(".handover/plans")
SHORT = 12


@dataclass(frozen=True, kw_only=True)
class CutoverPlan:
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

    @cached_property
    def checksum(self) -> str:
        """The SHA-256 of everything else, in hexadecimal: it names the plan that was reviewed."""
        return digest(self._facts())

    @property
    def name(self) -> str:
        """The whole name of the record, as people ask for it."""
        return f"{self.record}.{self.zone}" if self.record else self.zone

    def zone_at(self, provider_name: str) -> ZoneState | None:
        """Return what a provider held when the plan was made; None for a provider that is no part of it."""
        return next((zone for zone in self.zones if zone.provider == provider_name), None)

    def as_json(self) -> dict[str, Any]:
        """Return it as its file and the journal hold it."""
        return {**self._facts(), "checksum": self.checksum}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "CutoverPlan":
        """Return the plan that a file or the journal holds.

        Raises
        ------
        KeyError, TypeError
            It is no plan.
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

    def _facts(self) -> dict[str, Any]:
        """Return everything but the checksum, under the keys that plans on disk have."""
        return {
            "zone": self.zone,
            "record": self.record,
            "type": self.type,
            "from": {"values": list(self.from_values), "ttl_s": list(self.from_ttl_s)},
            "to": {"type": self.to.type, "ttl_s": self.to.ttl_s, "values": list(self.to.values)},
            "held": [zone.as_json() for zone in self.zones],
            "name_servers": list(self.name_servers),
            "resolvers": list(self.resolvers),
            "propagation_s": self.propagation_s,
            "sources": list(self.warnings),
        }


def make(config: Config) -> CutoverPlan:
    """Return the plan of a switch to the backend, as the zone is now.

    Raises
    ------
    Refused
        There is nothing to switch, or the zone is not as it should be before.
    """
    dns = provider.require(config)
    zones = tuple(target.zone_state(dns.record) for target in provider.providers(config))
    ttls_s = _ttls_s(dns, zones)
    wanted = provider.wanted(dns, Side.BACKEND)
    answers = [nameservers.ask(server, dns, dns.record) for server in nameservers.authoritative(dns)]
    return CutoverPlan(
        zone=dns.zone,
        record=dns.record,
        type=dns.type,
        from_values=provider.wanted(dns, Side.ORIGINAL).values,
        from_ttl_s=ttls_s,
        to=wanted,
        zones=zones,
        name_servers=tuple(map(str, answers)),
        resolvers=dns.resolvers,
        propagation_s=max(ttls_s),
        warnings=tuple(provider.contradicting(config, wanted)),
    )


def _ttls_s(dns: Dns, zones: Sequence[ZoneState]) -> tuple[int, ...]:
    """Return the record's TTL at each provider; refuse unless every provider's record names the original."""
    ttls_s = []
    for zone in zones:
        if zone.record is None:
            message = f"{zone.provider} has no record {dns.name}; there is nothing to switch from."
            raise Refused(f"{message} Correct [dns] record and zone.", code="HO570")
        if zone.record.values == provider.wanted(dns, Side.BACKEND).values:
            raise Refused(f"{zone.provider}: {dns.name} names the backend already; nothing to switch.", code="HO570")
        if zone.record.values != provider.wanted(dns, Side.ORIGINAL).values:
            message = f"{zone.provider}: {dns.name} is {zone.record}; [dns] original says {', '.join(dns.original)}."
            raise Refused(f"{message} Correct whichever is wrong, then plan again.", code="HO570")
        ttls_s.append(zone.record.ttl_s)
    return tuple(ttls_s)


def save(config: Config, plan: CutoverPlan) -> Path:
    """Write a plan and return its file."""
    path = config.root / FOLDER / f"{plan.checksum[:SHORT]}.json"
    private_folder(path.parent)
    values = {**plan.as_json(), "signature": _signature(signing_key(config.root), plan.checksum)}
    write_private(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    return path


def _signature(key: bytes, checksum: str) -> str:
    """Return the keyed digest that only this folder's key can make: an edited plan has another."""
    return hmac.new(key, f"plan {checksum}".encode(), hashlib.sha256).hexdigest()


def _is_signed_here(config: Config, signature: str, checksum: str) -> bool:
    """Say whether this folder's key made a signature; without one, no key is needed to say no."""
    if not signature:
        return False
    return hmac.compare_digest(signature.encode(), _signature(folder_key(config.root), checksum).encode())


def load(config: Config, name: str) -> CutoverPlan:
    """Return a plan by its file, or by at least the first 12 characters of its checksum.

    Raises
    ------
    Refused
        There is no such plan, it is not as it was written, or it was not made in this folder.
    """
    asked = re.fullmatch(f"[0-9a-f]{{{SHORT},64}}", name)
    path = config.root / FOLDER / f"{name[:SHORT]}.json" if asked else Path(name)
    try:
        values = dict(json.loads(read_private(path)))
        signature, checksum = str(values.pop("signature", "")), str(values.pop("checksum"))
        plan = CutoverPlan.from_json(values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{name} is no plan: {why_unreadable(error)}. A plan is named by its file, or by {SHORT} characters"
        raise Refused(f"{message} of its checksum or more. Make one: handover cutover plan", code="HO576") from error
    # Of the file as it is, so that a key that was added by hand counts as well.
    if digest(values) != checksum or (asked and not checksum.startswith(name)):
        wanted = name if asked else checksum[:SHORT]
        message = f"{path} is not as it was written: its checksum is {digest(values)[:SHORT]}, not {wanted}."
        raise Refused(f"{message} Nothing was applied. Make a new plan: handover cutover plan", code="HO576")
    if not _is_signed_here(config, signature, checksum):
        message = f"{path} was edited after it was written, or was made in another folder: the key of this folder"
        todo = "Nothing was applied. Make a new plan: handover cutover plan"
        raise Refused(f"{message} did not sign it. {todo}", code="HO576")
    return plan


def lines(config: Config, plan: CutoverPlan) -> list[str]:
    """Return a plan for people."""
    result = [f"Plan {plan.checksum[:SHORT]}: move people to the backend"]
    for zone in plan.zones:
        result += _zone_lines(plan, zone)
    result.append(f"  propagation: everybody within {plan.propagation_s} s of the change, the TTL they hold")
    result += [f"  now: {line}" for line in plan.name_servers]
    if not plan.resolvers:
        result.append("  no resolver is declared in [dns], so none will be asked")
    result += [f"  beware: {line}" for line in plan.warnings]
    result.append(f"  back: handover rollback --apply, within {config.rollback.budget_s / 60:g} minutes")
    if not provider.require(config).authoritative:
        result.append("  the name servers are those that the zone names")
    return result


def _zone_lines(plan: CutoverPlan, zone: ZoneState) -> list[str]:
    old = zone.record
    assert old is not None  # noqa: S101 - no plan is made for a zone without the record
    return [
        f"  {plan.name}  {plan.type}  at {zone.provider}",
        f"    from {', '.join(old.values)} (TTL {old.ttl_s} s)",
        f"    to   {', '.join(plan.to.values)} (TTL {plan.to.ttl_s} s)",
        f"    1 of {zone.records} records of the zone ({100 / zone.records:.0f} %)",
    ]


def newest(config: Config) -> CutoverPlan | None:
    """Return the plan that was written last, or None."""
    found = sorted((config.root / FOLDER).glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return load(config, str(found[-1])) if found else None

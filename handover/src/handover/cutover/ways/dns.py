"""All at once by the DNS record: the default. Everybody follows within the TTL that resolvers hold."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from handover.config.config import Dns
from handover.cutover import nameservers, provider, zone
from handover.cutover.context import RunContext
from handover.cutover.dns_plan import DnsPlan
from handover.cutover.dns_record import DnsRecord, ZoneState, dns_record, extras_lines
from handover.cutover.plan import DNS, SHORT, CutoverPlan
from handover.cutover.position import Values
from handover.cutover.provider_call import ProviderError
from handover.cutover.ways.way import Actions, Previews, Reach, Way, WayRehearsal
from handover.errors import ConfigurationError, HandoverError, Refused
from handover.runs.command import Action, Evidence
from handover.side import Side


class DnsWay(Way):
    """Moves people by the one record that ``[dns]`` names."""

    name = DNS

    @property
    def dns(self) -> Dns:
        """The section ``[dns]`` with all that a switch needs."""
        return provider.require(self.config)

    def reach(self) -> Reach:
        """Ask every authoritative name server; see :meth:`Way.reach`."""
        dns = self.dns
        answers = [nameservers.ask(server, dns, dns.record) for server in nameservers.authoritative(dns)]
        held = tuple(a.record.values if a.record else None for a in answers)
        people, lines = self._name(set(held)), tuple(map(str, answers))
        if people not in set(Side) and (states := self._proxied()):
            held = tuple(state.record.values if state.record else None for state in states)
            people, lines = self._name(set(held)), (*lines, provider.proxied_at(states))
        return Reach(people, held, lines, _pct(people))

    def _proxied(self) -> list[ZoneState]:
        """Return what the providers hold where a proxy answers in place of the record; otherwise nothing."""
        with suppress(HandoverError):
            states = [target.zone_state(self.dns.record) for target in provider.providers(self.config)]
            return states if all(state.is_proxied for state in states) else []
        return []

    def _name(self, values: set[Values | None]) -> str:
        if len(values) > 1:
            return "the name servers do not agree"
        only = next(iter(values), None)
        if only is None:
            return "unknown: the name servers do not say"
        return next((side for side in Side if self.values(side) == only), f"neither system: {', '.join(only)}")

    def values(self, side: Side) -> Values:
        """Return the record's values; see :meth:`Way.values`."""
        return provider.wanted(self.dns, side).values

    def plan(self) -> CutoverPlan:
        """Return the plan as the zone is now; see :meth:`Way.plan`."""
        dns = self.dns
        targets = provider.providers(self.config)
        wanted = provider.wanted(dns, Side.BACKEND)
        # First, since octoDNS may read another value of a record that it cannot keep whole.
        zones = tuple(target.check_whole(dns.record, wanted) for target in targets)
        provider.proxied_at(zones)  # refused unless it is the same everywhere
        ttls_s = _ttls_s(dns, zones)
        answers = [nameservers.ask(server, dns, dns.record) for server in nameservers.authoritative(dns)]
        facts = DnsPlan(
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
            warnings=tuple(provider.contradicting(self.config, wanted)),
        )
        return CutoverPlan(facts=facts)

    def differing(self, plan: CutoverPlan) -> list[str]:
        """Compare zone, record and addresses with ``[dns]``; see :meth:`Way.differing`."""
        dns, facts = self.dns, zone.dns_facts(plan)
        wanted = provider.wanted(dns, Side.BACKEND)
        pairs = {
            "zone": (facts.zone, dns.zone),
            "record": (facts.record, dns.record),
            "type": (facts.type, dns.type),
            "original": (", ".join(facts.from_values), ", ".join(self.values(Side.ORIGINAL))),
            "backend": (", ".join(facts.to.values), ", ".join(wanted.values)),
            "ttl_s": (facts.to.ttl_s, wanted.ttl_s),
            "type of the backend": (facts.to.type, wanted.type),
        }
        return [f"{name} is {was}, and now {now}" for name, (was, now) in pairs.items() if was != now]

    def plan_lines(self, plan: CutoverPlan) -> list[str]:
        """Return a plan for people; see :meth:`Way.plan_lines`."""
        facts = zone.dns_facts(plan)
        result = [f"Plan {plan.checksum[:SHORT]}: move people to the backend"]
        for one in facts.zones:
            result += _zone_lines(facts, one)
        result.append(f"  propagation: everybody within {facts.propagation_s} s of the change, the TTL they hold")
        result += [f"  now: {line}" for line in facts.name_servers]
        if proxied := provider.proxied_at(facts.zones):
            result.append(f"  {proxied}; the provider is asked instead")
        if not facts.resolvers:
            result.append("  no resolver is declared in [dns], so none will be asked")
        result += [f"  beware: {line}" for line in facts.warnings]
        result.append(f"  back: handover rollback --apply, within {self.config.rollback.budget_s / 60:g} minutes")
        if not self.dns.authoritative:
            result.append("  the name servers are those that the zone names")
        return result

    def previews(self) -> Previews:
        """Return what each command would do; see :meth:`Way.previews`."""
        dns = self.dns
        return Previews(
            begin=f"see that both systems answer, and lower the TTL of {dns.name} to {dns.ttl_s} s",
            end="give the record its former TTL again",
            rollback=f"point {dns.name} at {', '.join(dns.original)}",
            rehearsal=f"switch {dns.rehearsal_record}.{dns.zone} to the backend and back; people do not use that name",
        )

    def told(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the record and its zone; see :meth:`Way.told`."""
        return {"record": facts.get("record", self.dns.record), "zone": self.dns.zone}

    def begin_preflight(self, context: RunContext) -> Evidence:
        """See that the record names the original; see :meth:`Way.begin_preflight`."""
        dns = self.dns
        states = zone.check_whole(context, _lowered(context))
        provider.proxied_at(states)  # refused unless it is the same everywhere
        for one in states:
            if one.record is None or one.record.values != self.values(Side.ORIGINAL):
                message = f"{one.provider}: the record is {one.record or 'not there'}; it must name the original"
                raise Refused(f"{message} ({', '.join(dns.original)}). Nothing was changed.", code="HO570")
        return {}

    def begin(self) -> Actions:
        """Lower the TTL; see :meth:`Way.begin`."""
        return Action(zone.READ_TTL, _read_ttl), *zone.actions(_lowered)

    def end(self) -> Actions:
        """Give the record its former TTL again; see :meth:`Way.end`."""
        return zone.actions(_former)

    def preflight(self, context: RunContext) -> Evidence:
        """See that the zone is as the plan says; see :meth:`Way.preflight`."""
        for one in zone.check_whole(context, to_backend(context)):
            if not one.holds(to_backend(context)):
                zone.check_unchanged(context, one, written_before=zone.has_begun_to_write(context))
        return {}

    def back_preflight(self, context: RunContext) -> None:
        """See that the record is kept whole; see :meth:`Way.back_preflight`."""
        with suppress(ProviderError):  # the way back is begun all the same; it says so where it writes
            zone.check_whole(context, _to_original(context))

    def there(self) -> Actions:
        """Write the reviewed record and ask for it; see :meth:`Way.there`."""
        return zone.actions(to_backend)

    def back(self) -> Actions:
        """Write the original's record and ask for it; see :meth:`Way.back`."""
        return zone.actions(_to_original)

    def rehearsed(self, _: RunContext) -> WayRehearsal:
        """Return the rehearsal on a second name; see :meth:`Way.rehearsed`."""
        name = self.dns.rehearsal_record
        if name is None or name == self.dns.record:
            message = "handover.toml: [dns] rehearsal_record must be a second name of the zone."
            raise ConfigurationError(f"{message} Add a name that no other system depends on.")
        back = {
            "the record is written": lambda context: zone.write_record(context, _to_original(context)),
            "the name servers are asked": lambda context: zone.ask_servers(context, _to_original(context)),
            "the resolvers are asked": lambda context: zone.ask_resolvers(context, _to_original(context)),
        }
        return WayRehearsal(name, _there_and_ready, back)


def to_backend(context: RunContext) -> DnsRecord:
    """Return the record of the reviewed plan."""
    assert context.plan is not None  # noqa: S101 - the command takes a plan
    return zone.dns_facts(context.plan).to


def _to_original(context: RunContext) -> DnsRecord:
    return provider.wanted(context.dns, Side.ORIGINAL)


def _there_and_ready(context: RunContext) -> None:
    for side in (Side.ORIGINAL, Side.BACKEND):
        wanted = provider.wanted(context.dns, side)
        zone.write_record(context, wanted)
        zone.ask_servers(context, wanted)


def _read_ttl(context: RunContext) -> Evidence:
    """Note the TTL that resolvers may still hold."""
    return {"ttl_s": max(one.record.ttl_s for one in zone.zone_states(context) if one.record)}


def _lowered(context: RunContext) -> DnsRecord:
    """Return the record with the TTL of the switch, never a longer one than it has."""
    dns = context.dns
    return dns_record(dns.type, dns.ttl_s, dns.original)


def _former(context: RunContext) -> DnsRecord:
    """Return the record with the TTL that it had before."""
    dns = context.dns
    saw = [e for e in context.journal.entries() if e.kind == "action" and e.body["action"] == zone.READ_TTL]
    seen = [e.body["evidence"]["ttl_s"] for e in saw if e.body["phase"] == "done"]
    return dns_record(dns.type, dns.former_ttl_s or (seen[-1] if seen else dns.ttl_s), dns.original)


def _ttls_s(dns: Dns, zones: Sequence[ZoneState]) -> tuple[int, ...]:
    """Return the record's TTL at each provider; refuse unless every provider's record names the original."""
    ttls_s = []
    for one in zones:
        if one.record is None:
            message = f"{one.provider} has no record {dns.name}; there is nothing to switch from."
            raise Refused(f"{message} Correct [dns] record and zone.", code="HO570")
        if one.record.values == provider.wanted(dns, Side.BACKEND).values:
            raise Refused(f"{one.provider}: {dns.name} names the backend already; nothing to switch.", code="HO570")
        if one.record.values != provider.wanted(dns, Side.ORIGINAL).values:
            message = f"{one.provider}: {dns.name} is {one.record}; [dns] original says {', '.join(dns.original)}."
            raise Refused(f"{message} Correct whichever is wrong, then plan again.", code="HO570")
        ttls_s.append(one.record.ttl_s)
    return tuple(ttls_s)


def _zone_lines(facts: DnsPlan, one: ZoneState) -> list[str]:
    old = one.record
    assert old is not None  # noqa: S101 - no plan is made for a zone without the record
    return [
        f"  {facts.name}  {facts.type}  at {one.provider}",
        f"    from {', '.join(old.values)} (TTL {old.ttl_s} s)",
        f"    to   {', '.join(facts.to.values)} (TTL {one.settable(facts.to).ttl_s} s)",
        *(f"    kept {line}" for line in extras_lines(one.extras)),
        *([f"    follow as well: {', '.join(one.followers)}"] if one.followers else []),
        f"    void when one of these changes as well: {', '.join(one.near) or 'none is there'}",
        f"    1 of {one.records} records of the zone ({100 / one.records:.0f} %)",
    ]


def _pct(people: str) -> float | None:
    return {Side.ORIGINAL: 0.0, Side.BACKEND: 100.0}.get(Side(people)) if people in set(Side) else None

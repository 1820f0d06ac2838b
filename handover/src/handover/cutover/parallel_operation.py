"""Begin parallel operation: both systems answer, and the TTL is lowered so that a switch is quick."""

from handover.cutover import health, provider, zone
from handover.cutover.context import RunContext
from handover.cutover.dns_record import DnsRecord, dns_record
from handover.errors import Refused
from handover.runs.command import Action, Command, Evidence
from handover.side import Side

READ_TTL = "see the TTL"


def preflight(context: RunContext) -> Evidence:
    """Both systems answer, and the record names the original."""
    answered = {str(side): health.alive(context.config, side) for side in Side}
    for one in zone.zone_states(context):
        if one.record is None or one.record.values != provider.wanted(context.dns, Side.ORIGINAL).values:
            message = f"{one.provider}: the record is {one.record or 'not there'}; it must name the original"
            raise Refused(f"{message} ({', '.join(context.dns.original)}). Nothing was changed.", code="HO570")
    return answered


def read_ttl(context: RunContext) -> Evidence:
    """Note the TTL that resolvers may still hold."""
    return {"ttl_s": max(one.record.ttl_s for one in zone.zone_states(context) if one.record)}


def lowered(context: RunContext) -> DnsRecord:
    """Return the record with the TTL of the switch, never a longer one than it has."""
    dns = context.dns
    return dns_record(dns.type, dns.ttl_s, dns.original)


BEGIN_PARALLEL = Command("begin", (Action(READ_TTL, read_ttl), *zone.actions(lowered)), preflight, zone.WRITE)


def nothing_first(_: RunContext) -> Evidence:
    """Nothing has to hold: the record keeps its values."""
    return {}


def former(context: RunContext) -> DnsRecord:
    """Return the record with the TTL that it had before."""
    dns = context.dns
    saw = [e for e in context.journal.entries() if e.kind == "action" and e.body["action"] == READ_TTL]
    seen = [e.body["evidence"]["ttl_s"] for e in saw if e.body["phase"] == "done"]
    return dns_record(dns.type, dns.former_ttl_s or (seen[-1] if seen else dns.ttl_s), dns.original)


END_PARALLEL = Command("end", zone.actions(former), nothing_first, zone.WRITE)

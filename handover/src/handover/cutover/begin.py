"""Begin parallel operation: both systems answer, and the TTL is lowered so that a switch is quick."""

from handover.cutover import health, provider, zone
from handover.cutover.record import Record, record
from handover.cutover.run import Action, Command, Evidence, Night
from handover.errors import Refused
from handover.side import Side

SEE = "see the TTL"


def preflight(night: Night) -> Evidence:
    """Both systems answer, and the record names the original."""
    answered = {str(side): health.alive(night.config, side) for side in Side}
    for one in zone.held(night):
        if one.record is None or one.record.values != provider.wanted(night.dns, Side.ORIGINAL).values:
            message = f"{one.provider}: the record is {one.record or 'not there'}; it must name the original"
            raise Refused(f"{message} ({', '.join(night.dns.original)}). Nothing was changed.", code="HO570")
    return answered


def see(night: Night) -> Evidence:
    """Note the TTL that resolvers may still hold."""
    return {"ttl_s": max(one.record.ttl_s for one in zone.held(night) if one.record)}


def lowered(night: Night) -> Record:
    """Return the record with the TTL of the switch, never a longer one than it has."""
    dns = night.dns
    return record(dns.type, dns.ttl_s, dns.original)


BEGIN = Command("begin", (Action(SEE, see), *zone.actions(lowered)), preflight, zone.WRITE)


def nothing_first(_: Night) -> Evidence:
    """Nothing has to hold: the record keeps its values."""
    return {}


def former(night: Night) -> Record:
    """Return the record with the TTL that it had before."""
    dns = night.dns
    saw = [e for e in night.journal.entries() if e.kind == "action" and e.body["action"] == SEE]
    seen = [e.body["evidence"]["ttl_s"] for e in saw if e.body["phase"] == "done"]
    return record(dns.type, dns.former_ttl_s or (seen[-1] if seen else dns.ttl_s), dns.original)


END = Command("end", zone.actions(former), nothing_first, zone.WRITE)

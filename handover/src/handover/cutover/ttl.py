"""The gate of the TTL: it was lowered at least one old TTL ago, and the name servers say so now."""

import math
from contextlib import suppress
from datetime import timedelta

from handover.config.cutover import Gate
from handover.cutover import nameservers
from handover.cutover.dns_record import ZoneState
from handover.cutover.gate_context import GateContext, GateResult
from handover.cutover.provider import providers, proxied_at, require
from handover.cutover.provider_call import ProviderError
from handover.cutover.zone import READ_TTL, SERVERS

BEGIN = "Lower it: handover cutover begin --apply"


def ttl_gate(context: GateContext, _: Gate) -> GateResult:
    """Compare when the lower TTL was seen with how long resolvers may hold the old one."""
    dns = require(context.config)
    states: list[ZoneState] = []
    with suppress(ProviderError):  # the name servers say enough of a record without a proxy
        states = [target.zone_state(dns.record) for target in providers(context.config)]
    if states and all(state.is_proxied for state in states):
        return GateResult(ok=True, found=f"{proxied_at(states)}, so no TTL holds people back")
    for server in nameservers.authoritative(dns):
        answer = nameservers.ask(server, dns, dns.record)
        if answer.record is None or answer.record.ttl_s > dns.ttl_s:
            return GateResult(ok=False, found=f"{answer}; a TTL of at most {dns.ttl_s} s is expected", todo=BEGIN)
    begun = context.latest("run", command="begin")
    saw = context.latest("action", action=READ_TTL, phase="done", run=begun.body["run"]) if begun else None
    low = context.latest("action", action=SERVERS, phase="done", run=begun.body["run"]) if begun else None
    if saw is None or low is None:
        return GateResult(ok=False, found="the journal has not seen the TTL being lowered", todo=BEGIN)
    old_s = max(saw.body["evidence"]["ttl_s"], dns.former_ttl_s or 0)
    if old_s <= dns.ttl_s and dns.former_ttl_s is None:
        found = f"the TTL was {old_s} s already when it was first seen, so resolvers may hold a longer one"
        return GateResult(ok=False, found=found, todo="Declare what it was before: [dns] former_ttl_s")
    # Wait out the *old* TTL: resolvers cached the record before we lowered it.
    left = low.at + timedelta(seconds=old_s) - context.now
    if left > timedelta(0):
        found = f"resolvers may hold the old TTL of {old_s} s for {math.ceil(left.total_seconds())} s more"
        return GateResult(ok=False, found=found, todo="Wait that long.")
    return GateResult(ok=True, found=f"lowered from {old_s} s to {dns.ttl_s} s, and the old one has run out everywhere")

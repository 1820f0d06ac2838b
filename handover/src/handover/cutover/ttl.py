"""The gate of the TTL: it was lowered at least one old TTL ago, and the name servers say so now."""

import math
from datetime import timedelta

from handover.config.cutover import Gate
from handover.cutover import nameservers
from handover.cutover.begin import SEE
from handover.cutover.provider import require
from handover.cutover.sight import Seen, Sight
from handover.cutover.zone import SERVERS

BEGIN = "Lower it: handover cutover begin --apply"


def look(seen_from: Sight, _: Gate) -> Seen:
    """Compare when the lower TTL was seen with how long resolvers may hold the old one."""
    dns = require(seen_from.config)
    for server in nameservers.authoritative(dns):
        answer = nameservers.ask(server, dns, dns.record)
        if answer.record is None or answer.record.ttl_s > dns.ttl_s:
            return Seen(ok=False, found=f"{answer}; a TTL of at most {dns.ttl_s} s is expected", todo=BEGIN)
    begun = seen_from.latest("run", command="begin")
    saw = seen_from.latest("action", action=SEE, phase="done", run=begun.body["run"]) if begun else None
    low = seen_from.latest("action", action=SERVERS, phase="done", run=begun.body["run"]) if begun else None
    if saw is None or low is None:
        return Seen(ok=False, found="the journal has not seen the TTL being lowered", todo=BEGIN)
    old_s = max(saw.body["evidence"]["ttl_s"], dns.former_ttl_s or 0)
    if old_s <= dns.ttl_s and dns.former_ttl_s is None:
        found = f"the TTL was {old_s} s already when it was first seen, so nobody knows what resolvers may hold"
        return Seen(ok=False, found=found, todo="Declare what it was before: [dns] former_ttl_s")
    # Wait out the *old* TTL: resolvers cached the record before we lowered it.
    left = low.at + timedelta(seconds=old_s) - seen_from.now
    if left > timedelta(0):
        found = f"resolvers may hold the old TTL of {old_s} s for {math.ceil(left.total_seconds())} s more"
        return Seen(ok=False, found=found, todo="Wait that long.")
    return Seen(ok=True, found=f"lowered from {old_s} s to {dns.ttl_s} s, and the old one has run out everywhere")

"""The actions on the record: write it, ask the name servers, ask the resolvers."""

from collections.abc import Callable, Mapping
from typing import Any

from handover.cutover import nameservers, provider
from handover.cutover.context import RunContext
from handover.cutover.dns_plan import DnsPlan
from handover.cutover.dns_record import DnsRecord, ZoneState
from handover.cutover.plan import CutoverPlan
from handover.errors import Refused
from handover.runs.command import Action, Evidence

READ_TTL = "see the TTL"
WRITE, SERVERS, RESOLVERS = "write the record", "ask the name servers", "ask the resolvers"
# A resolver may count a second more than the TTL says.
GRACE_S = 2.0


def actions(wanted: Callable[[RunContext], DnsRecord]) -> tuple[Action[RunContext], ...]:
    """Return the actions that make the record what is wanted and see that it is."""

    def write(context: RunContext) -> Evidence:
        return write_record(context, wanted(context))

    def change(context: RunContext) -> Mapping[str, Any]:
        now = zone_states(context)[0].record
        return {"record": {"name": context.record, "from": now.values if now else (), "to": wanted(context).values}}

    def ask(context: RunContext) -> Evidence:
        return ask_servers(context, wanted(context))

    def resolve(context: RunContext) -> Evidence:
        return ask_resolvers(context, wanted(context))

    return Action(WRITE, write, change), Action(SERVERS, ask), Action(RESOLVERS, resolve)


def zone_states(context: RunContext) -> list[ZoneState]:
    """Return what every provider holds of the zone."""
    return [target.zone_state(context.record) for target in provider.providers(context.config)]


def write_record(context: RunContext, wanted: DnsRecord) -> Evidence:
    """Write the record at every provider that does not hold it yet.

    Raises
    ------
    Refused
        The zone is not what the plan was made on; nothing was applied there.
    """
    before = []
    for target in provider.providers(context.config):
        now = target.zone_state(context.record)
        before.append(now.as_json())
        if now.record == wanted:
            continue
        check_unchanged(context.plan, now)
        target.write(context.record, wanted)
        context.at_point("in the middle of the record")
    return {"before": before, "wanted": str(wanted), "changed": context.record}


def check_unchanged(plan: CutoverPlan | None, now: ZoneState) -> None:
    """Raise when a provider's zone is not what a plan was made on.

    Raises
    ------
    Refused
        The zone has changed since the plan.
    """
    if plan is None:
        return
    was = dns_facts(plan).zone_at(now.provider)
    if was is None:
        what = f"the provider {now.provider} is no part of it"
    elif was.rest != now.rest:
        what = f"other records of the zone have changed since ({was.records} then, {now.records} now)"
    elif was.record != now.record:
        what = f"the record is {now.record or 'gone'} by now"
    else:
        return
    message = f"plan {plan.checksum[:8]} was reviewed, but {what}. Nothing was applied."
    raise Refused(f"{message} Run `handover cutover plan` and review again.", code="HO571")


def dns_facts(plan: CutoverPlan) -> DnsPlan:
    """Return what a plan says of the record."""
    return plan.facts


def ask_servers(context: RunContext, wanted: DnsRecord) -> Evidence:
    """Wait until every authoritative server answers what was written."""
    dns = context.dns
    servers = nameservers.authoritative(dns)
    answers, took = nameservers.wait_for(
        servers, lambda s: nameservers.ask(s, dns, context.record), wanted.values, limit_s=dns.verify_s
    )
    return {"answers": [str(a) for a in answers], "took_s": round(took, 3)}


def ask_resolvers(context: RunContext, wanted: DnsRecord) -> Evidence:
    """Wait until the declared resolvers answer it: for the TTL that they had, and a grace."""
    dns = context.dns
    if not dns.resolvers:
        return {"answers": [], "note": "no resolver is declared in [dns], so none was asked"}
    limit_s = dns.verify_s + GRACE_S + old_ttl_s(context)
    answers, took = nameservers.wait_for(
        dns.resolvers, lambda s: nameservers.ask(s, dns, context.record, recursive=True), wanted.values, limit_s=limit_s
    )
    return {"answers": [str(a) for a in answers], "took_s": round(took, 3)}


def old_ttl_s(context: RunContext) -> int:
    """Return the TTL that the record had before this command wrote it."""
    run = context.position().run
    before = run.done.get(WRITE, {}).get("before", []) if run else []
    return max((h["record"]["ttl_s"] for h in before if h["record"]), default=context.dns.ttl_s)

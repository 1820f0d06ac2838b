"""The actions on the record: write it, ask the name servers, ask the resolvers."""

from collections.abc import Callable, Mapping
from typing import Any

from handover.cutover import nameservers, provider
from handover.cutover.context import RunContext
from handover.cutover.dns_plan import DnsPlan
from handover.cutover.dns_record import DnsRecord, ZoneState, extras_lines
from handover.cutover.neighbours import changed, other_changes
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


def check_whole(context: RunContext, wanted: DnsRecord) -> list[ZoneState]:
    """Return what every provider holds; raise unless each can make the record what is wanted and keep all else.

    Raises
    ------
    Refused
        Something of the record would be lost, or octoDNS's configuration forbids the change.
    """
    return [target.check_whole(context.record, wanted) for target in provider.providers(context.config)]


def write_record(context: RunContext, wanted: DnsRecord) -> Evidence:
    """Write the record at every provider that does not hold it yet.

    Raises
    ------
    Refused
        The zone is not what the plan was made on; nothing was applied there.
    """
    before: list[Evidence] = []
    beside: list[str] = []
    notes: list[str] = []
    for target in provider.providers(context.config):
        now = target.zone_state(context.record)
        before.append(now.as_seen())
        if now.holds(wanted):
            check_extras(context, now)
            continue
        beside += check_unchanged(context, now, written_before=_times_begun(context) > 1)
        if now.extras:
            context.say(f"kept at {now.provider}: {', '.join(extras_lines(now.extras))}")
        notes += target.write(context.record, wanted).values()
        context.at_point("in the middle of the record")
    for line in notes:
        context.say(line)
    seen = {"before": before, "wanted": str(wanted), "changed": context.record}
    return seen | ({"changed_beside": beside} if beside else {}) | ({"notes": notes} if notes else {})


def check_unchanged(context: RunContext, now: ZoneState, *, written_before: bool = False) -> list[str]:
    """Raise when a provider's record, or one that touches it, is not what a plan was made on.

    Parameters
    ----------
    context, now
        What the command acts with, and what a provider holds now.
    written_before
        Whether this run began to write before: some providers take the values one at a time.

    Returns
    -------
    list of str
        Changes of other records since the plan, which do not void it; each is said as well.

    Raises
    ------
    Refused
        The record has changed since the plan, or what people get from it.
    """
    plan = context.plan
    if plan is None:
        return []
    facts = dns_facts(plan)
    was = facts.zone_at(now.provider)
    if what := _void(facts, was, now, written_before=written_before):
        message = f"plan {plan.checksum[:8]} was reviewed, but {what}. Nothing was applied."
        raise Refused(f"{message} Run `handover cutover plan` and review again.", code="HO571")
    beside = other_changes(was, now, context.dns) if was and (was.near or was.others) else []
    if beside:
        context.say(f"since the plan, at {now.provider}: {'; '.join(beside)}. None touches {facts.name}.")
    return beside


def check_extras(context: RunContext, now: ZoneState) -> None:
    """Raise when a record that is as wanted lost what the provider kept with it when the plan was made.

    Raises
    ------
    DiffersAtProviderError
        It did: a run before this one wrote it, and did not see the whole of it.
    """
    was = dns_facts(context.plan).zone_at(now.provider) if context.plan else None
    if was and (was.near or was.others) and was.extras != now.extras:
        has = ", ".join(extras_lines(now.extras)) or "nothing else"
        kept = ", ".join(extras_lines(was.extras)) or "nothing else"
        message = f"{now.provider} holds {now.record} with {has}; the plan was made with {kept}."
        raise provider.DiffersAtProviderError(f"{message} Put that back in its console, then: handover resume [--back]")


def _void(facts: DnsPlan, was: ZoneState | None, now: ZoneState, *, written_before: bool) -> str:
    """Return why a plan is void, or nothing."""
    if was is None:
        return f"the provider {now.provider} is no part of it"
    if not (was.near or was.others):  # a plan of an older version has no more of the zone than a digest
        if was.rest != now.rest:
            return "other records of the zone have changed since"
    elif near := changed(was.near, now.near):
        return f"{'; '.join(near)}, which decides what people get from {facts.name}"
    if was.extras != now.extras:
        has = ", ".join(extras_lines(now.extras)) or "nothing else"
        return f"what {now.provider} keeps with the record is {has} by now"
    if was.record != now.record and not (written_before and _is_mixed(facts, was, now)):
        return f"the record is {now.record or 'gone'} by now"
    return ""


def _is_mixed(facts: DnsPlan, was: ZoneState, now: ZoneState) -> bool:
    """Say whether a record has values from before and values of the plan, and no others."""
    if now.record is None or was.record is None or now.record.type != facts.to.type:
        return False
    return set(now.record.values) <= {*was.record.values, *facts.to.values}


def has_begun_to_write(context: RunContext) -> bool:
    """Say whether the command that is under way began to write the record before it was interrupted."""
    return _times_begun(context) > 0


def _times_begun(context: RunContext) -> int:
    run = context.position().run
    bodies = [entry.body for entry in context.journal.entries() if run and entry.kind == "action"]
    return sum(run is not None and (b["run"], b["action"], b["phase"]) == (run.id, WRITE, "begun") for b in bodies)


def dns_facts(plan: CutoverPlan) -> DnsPlan:
    """Return what a plan says of the record.

    Raises
    ------
    Refused
        It was made for another way to move people.
    """
    if isinstance(plan.facts, DnsPlan):
        return plan.facts
    message = f"plan {plan.checksum[:8]} moves people by {plan.way}; handover.toml says dns. Nothing was applied."
    raise Refused(f"{message} Run `handover cutover plan` and review again.", code="HO571")


def ask_servers(context: RunContext, wanted: DnsRecord) -> Evidence:
    """Wait until every authoritative server answers what was written."""
    dns = context.dns
    servers = nameservers.authoritative(dns)
    if proxied := _proxied(context):
        answers = [nameservers.ask(server, dns, context.record) for server in servers]
        return {"answers": [str(a) for a in answers], "note": proxied}
    answers, took = nameservers.wait_for(
        servers, lambda s: nameservers.ask(s, dns, context.record), wanted.values, limit_s=dns.verify_s
    )
    return {"answers": [str(a) for a in answers], "took_s": round(took, 3)}


def ask_resolvers(context: RunContext, wanted: DnsRecord) -> Evidence:
    """Wait until the declared resolvers answer it: for the TTL that they had, and a grace."""
    dns = context.dns
    if not dns.resolvers:
        return {"answers": [], "note": "no resolver is declared in [dns], so none was asked"}
    if proxied := _proxied(context):
        return {"answers": [], "note": proxied}
    limit_s = dns.verify_s + GRACE_S + old_ttl_s(context)
    answers, took = nameservers.wait_for(
        dns.resolvers, lambda s: nameservers.ask(s, dns, context.record, recursive=True), wanted.values, limit_s=limit_s
    )
    return {"answers": [str(a) for a in answers], "took_s": round(took, 3)}


def _proxied(context: RunContext) -> str:
    """Return why name servers cannot show the change: they answer addresses of a proxy, before and after."""
    run = context.position().run
    before = run.done.get(WRITE, {}).get("before") if run else None
    return provider.proxied_at(map(ZoneState.from_json, before) if before else zone_states(context))


def old_ttl_s(context: RunContext) -> int:
    """Return the TTL that the record had before this command wrote it."""
    run = context.position().run
    before = run.done.get(WRITE, {}).get("before", []) if run else []
    return max((h["record"]["ttl_s"] for h in before if h["record"]), default=context.dns.ttl_s)

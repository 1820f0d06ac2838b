"""The actions on the record: write it, ask the name servers, ask the resolvers."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from handover.cutover import nameservers, provider
from handover.cutover.record import Held, Record, record
from handover.cutover.run import Action, Evidence, Night
from handover.errors import Refused

WRITE, SERVERS, RESOLVERS = "write the record", "ask the name servers", "ask the resolvers"
# A resolver may count a second more than the TTL says.
GRACE_S = 2.0


def actions(wanted: Callable[[Night], Record]) -> tuple[Action, ...]:
    """Return the actions that make the record what is wanted and see that it is."""

    def write(night: Night) -> Evidence:
        return write_record(night, wanted(night))

    def change(night: Night) -> Mapping[str, Any]:
        now = held(night)[0].record
        return {"name": night.record, "from": now.values if now else (), "to": wanted(night).values}

    def ask(night: Night) -> Evidence:
        return ask_servers(night, wanted(night))

    def resolve(night: Night) -> Evidence:
        return ask_resolvers(night, wanted(night))

    return Action(WRITE, write, change), Action(SERVERS, ask), Action(RESOLVERS, resolve)


def held(night: Night) -> list[Held]:
    """Return what every provider holds."""
    return [target.held(night.record) for target in provider.providers(night.config)]


def write_record(night: Night, wanted: Record) -> Evidence:
    """Write the record at every provider; where it is as wanted already nothing is written.

    Raises
    ------
    Refused
        The zone is not what the plan was made on; nothing was applied there.
    """
    before = []
    for target in provider.providers(night.config):
        now = target.held(night.record)
        before.append(now.as_json())
        if now.record == wanted:
            continue
        check_unchanged(night.facts.get("plan"), now)
        target.write(night.record, wanted)
        night.at("in the middle of the record")
    return {"before": before, "wanted": str(wanted), "changed": night.record}


def check_unchanged(plan: Mapping[str, Any] | None, now: Held) -> None:
    """Raise when a provider's zone is not what a plan was made on."""
    if plan is None:
        return
    was = next((h for h in plan["held"] if h["provider"] == now.provider), None)
    if was is None:
        what = f"the provider {now.provider} is no part of it"
    elif was["rest"] != now.rest:
        what = f"other records of the zone have changed since ({was['records']} then, {now.records} now)"
    elif was["record"] != now.as_json()["record"]:
        what = f"the record is {now.record or 'gone'} by now"
    else:
        return
    message = f"plan {plan['checksum'][:8]} was reviewed, but {what}. Nothing was applied."
    raise Refused(f"{message} Run `handover cutover plan` and review again.", code="HO571")


def ask_servers(night: Night, wanted: Record) -> Evidence:
    """Wait until every authoritative server answers what was written."""
    dns = night.dns
    servers = nameservers.authoritative(dns)
    answers, took = nameservers.wait(
        servers, lambda s: nameservers.ask(s, dns, night.record), wanted.values, limit_s=dns.verify_s
    )
    return {"answers": [str(a) for a in answers], "took_s": round(took, 3)}


def ask_resolvers(night: Night, wanted: Record) -> Evidence:
    """Wait until the declared resolvers answer it: for the TTL that they had, and a grace."""
    dns = night.dns
    if not dns.resolvers:
        return {"answers": [], "note": "no resolver is declared in [dns], so none was asked"}
    limit_s = dns.verify_s + GRACE_S + old_ttl_s(night)
    answers, took = nameservers.wait(
        dns.resolvers, lambda s: nameservers.ask(s, dns, night.record, recursive=True), wanted.values, limit_s=limit_s
    )
    return {"answers": [str(a) for a in answers], "took_s": round(took, 3)}


def old_ttl_s(night: Night) -> int:
    """Return the TTL that the record had before this command wrote it."""
    run = night.position().run
    before = run.done.get(WRITE, {}).get("before", []) if run else []
    return max((h["record"]["ttl_s"] for h in before if h["record"]), default=night.dns.ttl_s)


def as_record(values: Mapping[str, Any]) -> Record:
    """Return a record from a plan."""
    return record(values["type"], values["ttl_s"], values["values"])


def stopwatch() -> Callable[[], float]:
    """Return a function that says how many seconds have gone by, whatever the clock is set to."""
    began = time.monotonic()
    return lambda: round(time.monotonic() - began, 3)

"""The plan of a switch: what changes, from what to what, on which zone; and its checksum."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handover.config.config import Config, Dns
from handover.cutover import nameservers, provider
from handover.cutover.record import Held, digest
from handover.errors import Refused
from handover.side import Side
from handover.troubles import reason

FOLDER = Path(".handover/plans")
SHORT = 12


def make(config: Config) -> dict[str, Any]:
    """Return the plan of a switch to the backend, as the zone is now.

    Raises
    ------
    Refused
        There is nothing to switch, or the zone is not as it should be before.
    """
    dns = provider.require(config)
    targets = provider.providers(config)
    held = [target.held(dns.record) for target in targets]
    wanted, before = provider.wanted(dns, Side.BACKEND), provider.wanted(dns, Side.ORIGINAL)
    _check(dns, held)
    servers = nameservers.authoritative(dns)
    answers = [nameservers.ask(server, dns, dns.record) for server in servers]
    facts = {
        "zone": dns.zone,
        "record": dns.record,
        "type": dns.type,
        "from": {"values": before.values, "ttl_s": [h.record.ttl_s for h in held if h.record]},
        "to": {"type": wanted.type, "ttl_s": wanted.ttl_s, "values": wanted.values},
        "held": [h.as_json() for h in held],
        "name_servers": [str(a) for a in answers],
        "resolvers": list(dns.resolvers),
        "propagation_s": max(h.record.ttl_s for h in held if h.record),
        "sources": provider.contradicting(config, wanted),
    }
    facts = json.loads(json.dumps(facts))
    return {**facts, "checksum": digest(facts)}


def _check(dns: Dns, held: list[Held]) -> None:
    for one in held:
        if one.record is None:
            message = f"{one.provider} has no record {dns.name}; there is nothing to switch from."
            raise Refused(f"{message} Correct [dns] record and zone.", code="HO570")
        if one.record.values == provider.wanted(dns, Side.BACKEND).values:
            raise Refused(f"{one.provider}: {dns.name} names the backend already; nothing to switch.", code="HO570")
        if one.record.values != provider.wanted(dns, Side.ORIGINAL).values:
            message = f"{one.provider}: {dns.name} is {one.record}; [dns] original says {', '.join(dns.original)}."
            raise Refused(f"{message} Correct whichever is wrong, then plan again.", code="HO570")


def save(config: Config, plan: Mapping[str, Any]) -> Path:
    """Write a plan and return its file."""
    path = config.root / FOLDER / f"{plan['checksum'][:SHORT]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(plan, indent=2, ensure_ascii=False) + "\n")
    return path


def load(config: Config, name: str) -> dict[str, Any]:
    """Return a plan by its file or the beginning of its checksum.

    Raises
    ------
    Refused
        There is none, or it is not as it was written.
    """
    path = Path(name) if Path(name).is_file() else _by_checksum(config, name)
    try:
        plan = dict(json.loads(path.read_text()))
        checksum = plan.pop("checksum")
    except (OSError, ValueError, KeyError) as error:
        raise Refused(f"{name} is no plan: {reason(error)}. Make one: handover cutover plan", code="HO576") from error
    if digest(plan) != checksum:
        message = f"{path} is not as it was written: its checksum is {digest(plan)[:SHORT]}, not {checksum[:SHORT]}."
        raise Refused(f"{message} Nothing was applied. Make a plan anew: handover cutover plan", code="HO576")
    return {**plan, "checksum": checksum}


def _by_checksum(config: Config, name: str) -> Path:
    found = sorted((config.root / FOLDER).glob(f"{name[:SHORT]}*.json"))
    return found[0] if len(found) == 1 else config.root / FOLDER / f"{name}.json"


def lines(config: Config, plan: Mapping[str, Any]) -> list[str]:
    """Return a plan for people."""
    dns = provider.require(config)
    name = f"{plan['record']}.{plan['zone']}" if plan["record"] else plan["zone"]
    result = [f"Plan {plan['checksum'][:SHORT]}: move people to the backend"]
    for one in plan["held"]:
        old, share = one["record"], 100 / one["records"]
        result += [
            f"  {name}  {plan['type']}  at {one['provider']}",
            f"    from {', '.join(old['values'])} (TTL {old['ttl_s']} s)",
            f"    to   {', '.join(plan['to']['values'])} (TTL {plan['to']['ttl_s']} s)",
            f"    1 of {one['records']} records of the zone ({share:.0f} %)",
        ]
    result.append(f"  propagation: everybody within {plan['propagation_s']} s of the change, the TTL they hold")
    result += [f"  now: {line}" for line in plan["name_servers"]]
    if not plan["resolvers"]:
        result.append("  no resolver is declared in [dns], so none will be asked")
    result += [f"  beware: {line}" for line in plan["sources"]]
    result.append(f"  back: handover rollback --apply, within {config.rollback.budget_s / 60:g} minutes")
    if not dns.authoritative:
        result.append("  the name servers are those that the zone names")
    return result


def newest(config: Config) -> dict[str, Any] | None:
    """Return the plan that was written last, or None."""
    found = sorted((config.root / FOLDER).glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
    return load(config, str(found[-1])) if found else None

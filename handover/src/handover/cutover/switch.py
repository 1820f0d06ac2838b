"""The switch to the backend."""

from collections.abc import Mapping
from typing import Any

from handover.config.cutover import HookPoint
from handover.cutover import gates, health, hooks, traffic, zone
from handover.cutover.context import RunContext
from handover.cutover.dns_record import DnsRecord
from handover.cutover.plan import CutoverPlan
from handover.runs.command import Action, Command, Evidence
from handover.side import Side

FOLLOW = "follow the traffic"


def preflight(context: RunContext) -> Evidence:
    """Every gate is green or overridden, the backend answers, the zone is as planned, traffic can be seen."""
    traffic.requests_seen(context.config, Side.ORIGINAL)
    answered = health.alive(context.config, Side.BACKEND)
    for one in zone.zone_states(context):
        if one.record != to_backend(context):
            zone.check_unchanged(context.plan, one)
    return {"backend": answered, "gates": gates.require(context)}


def to_backend(context: RunContext) -> DnsRecord:
    """Return the record of the reviewed plan."""
    return reviewed(context).to


def reviewed(context: RunContext) -> CutoverPlan:
    """Return the plan that was reviewed; `handover cutover --apply` always has one."""
    assert context.plan is not None  # noqa: S101 - the command takes a plan
    return context.plan


def before(context: RunContext) -> Evidence:
    """Run the team's hook; when it refuses, nothing is switched."""
    return hook(context, "before-switch")


def after(context: RunContext) -> Evidence:
    """Run the team's hook."""
    return hook(context, "after-switch")


def hook(context: RunContext, point: HookPoint, more: Mapping[str, Any] | None = None) -> Evidence:
    """Run a hook and return what the journal keeps of it.

    Parameters
    ----------
    context, point
        What the command acts with, and the point that is reached.
    more
        What the hook is told besides the record, the zone and the command's facts.
    """
    facts = {"record": context.record, "zone": context.dns.zone, "facts": dict(context.facts), **(more or {})}
    ran = hooks.run(context.config, point, facts)
    return {"output": ran.output, "took_s": ran.seconds} if ran else {"note": f"no hook {point} is declared"}


def follow(context: RunContext) -> Evidence:
    """Wait until the original gets no more requests."""
    return traffic.follow(context.config, Side.ORIGINAL, say=context.say)


CUTOVER = Command(
    "cutover",
    (
        Action("hook before-switch", before),
        *zone.actions(to_backend),
        Action(FOLLOW, follow),
        Action("hook after-switch", after),
    ),
    preflight,
    zone.WRITE,
)

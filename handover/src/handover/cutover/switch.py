"""The switch to the backend."""

from collections.abc import Mapping
from typing import Any

from handover.config.cutover import HookPoint
from handover.cutover import gates, health, hooks, traffic, zone
from handover.cutover.record import Record
from handover.cutover.run import Action, Command, Evidence, Night
from handover.side import Side

FOLLOW = "follow the traffic"


def preflight(night: Night) -> Evidence:
    """Every gate is green or overridden, the backend answers, the zone is as planned, traffic can be seen."""
    traffic.requests_seen(night.config, Side.ORIGINAL)
    answered = health.alive(night.config, Side.BACKEND)
    for one in zone.held(night):
        if one.record != to_backend(night):
            zone.check_unchanged(night.facts["plan"], one)
    return {"backend": answered, "gates": gates.require(night)}


def to_backend(night: Night) -> Record:
    """Return the record of the reviewed plan."""
    return zone.as_record(night.facts["plan"]["to"])


def before(night: Night) -> Evidence:
    """Run the team's hook; when it refuses, nothing is switched."""
    return hook(night, "before-switch")


def after(night: Night) -> Evidence:
    """Run the team's hook."""
    return hook(night, "after-switch")


def hook(night: Night, point: HookPoint, more: Mapping[str, Any] | None = None) -> Evidence:
    """Run a hook and return what the journal keeps of it."""
    facts = {"record": night.record, "zone": night.dns.zone, "facts": dict(night.facts), **(more or {})}
    ran = hooks.run(night.config, point, facts)
    return {"output": ran.output, "took_s": ran.seconds} if ran else {"note": f"no hook {point} is declared"}


def follow(night: Night) -> Evidence:
    """Wait until the original gets no more requests."""
    return traffic.follow(night.config, Side.ORIGINAL, say=night.say)


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

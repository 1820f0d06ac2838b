"""The switch to the backend."""

from collections.abc import Mapping
from typing import Any

from handover.config.config import Config
from handover.config.cutover import HookPoint
from handover.cutover import gates, health, hooks, read_only, traffic
from handover.cutover.attempt import ended_attempts
from handover.cutover.context import RunContext
from handover.cutover.plan import check_attempt
from handover.cutover.planning import check_target
from handover.cutover.ways.chosen import chosen_way
from handover.cutover.ways.way import deciding
from handover.runs.command import Action, Command, Evidence
from handover.side import Side

FOLLOW = "follow the traffic"


def preflight(context: RunContext) -> Evidence:
    """The plan is of this attempt, every gate open, the backend answers, all is as planned, traffic can be seen."""
    check_attempt(context.plan, ended_attempts(context.journal.entries()))
    check_target(context.config, context.plan)
    traffic.requests_seen(context.config, Side.ORIGINAL)
    answered = health.alive(context.config, Side.BACKEND)
    read_only.check_as_planned(context)
    seen = chosen_way(context.config).preflight(context)
    return {"backend": answered, "gates": gates.require(context), **seen}


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
        What the hook is told besides what is changed and the command's facts.
    """
    facts = {**chosen_way(context.config).told(context.facts), "facts": dict(context.facts), **(more or {})}
    ran = hooks.run(context.config, point, facts)
    return {"output": ran.output, "took_s": ran.seconds} if ran else {"note": f"no hook {point} is declared"}


def follow(context: RunContext) -> Evidence:
    """Wait until the original gets no more requests."""
    return traffic.follow(context.config, Side.ORIGINAL, say=context.say)


def cutover_command(config: Config) -> Command[RunContext]:
    """Return the command that moves people to the backend, in the way that is declared."""
    there = chosen_way(config).there()
    actions = (
        Action("hook before-switch", before),
        *read_only.switch_on(config),
        *there,
        Action(FOLLOW, follow),
        Action("hook after-switch", after),
    )
    return Command("cutover", actions, preflight, deciding(there))

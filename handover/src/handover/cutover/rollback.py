"""The way back to the original: it is tried first, then people are sent to it, and each part is timed."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from handover.config.config import Config
from handover.cutover import health, incident, read_only, traffic
from handover.cutover.context import RunContext
from handover.cutover.hooks import HookError
from handover.cutover.stopwatch import stopwatch
from handover.cutover.switch import hook
from handover.cutover.ways.chosen import check_same_way, chosen_way
from handover.cutover.ways.way import deciding
from handover.errors import HandoverError, Refused
from handover.journal.account import this_account
from handover.journal.entry import machine, operator
from handover.runs.command import Action, Command, Evidence
from handover.side import Side

# The share of the budget that what comes after the traffic may take: the tasks, the hook.
FOR_THE_REST = 0.05
STILL_POSSIBLE = """\
Nothing was changed. What can still be done:
       - start the original again (its runbook), then: handover rollback --apply
       - stay on the backend and mend it there: people reach it now
       - send people to the original all the same, knowing that it was not proven:
         handover rollback --apply --unproven "REASON\""""


def preflight(context: RunContext) -> Evidence:
    """Prove that the original is alive, can write and carries load, before people are sent to it.

    Raises
    ------
    Refused
        The account may not decide it, or the original fails; says what can still be done.
    """
    check_allowed(context)
    check_same_way(context.config, context.journal.entries())
    chosen_way(context.config).back_preflight(context)
    try:
        return prove(context)
    except HandoverError as error:
        if because := context.facts.get("unproven"):
            context.say(f"UNPROVEN  {error} -- going on because: {because}")
            return {"unproven": str(error), "because": because}
        raise Refused(f"{error}\n       {STILL_POSSIBLE}", code="HO586") from error


def check_allowed(context: RunContext) -> None:
    """Raise unless the account was named beforehand."""
    if context.facts.get("automatic") or may_decide(context.config):
        return
    who, named = operator(), ", ".join(context.config.rollback.allowed) or "no account"
    message = f"{who} may not decide a rollback; handover.toml names {named}. Nothing was changed."
    why = "HANDOVER_OPERATOR and SUDO_USER are only told: the account of the operating system counts."
    raise Refused(f"{message} {why} Ask one of them, or add the account: [rollback] allowed", code="HO587")


def may_decide(config: Config) -> bool:
    """Say whether this process's account may decide a rollback."""
    return this_account().name in config.rollback.allowed


def prove(context: RunContext) -> dict[str, Any]:
    """Return how the original answered, wrote and carried load, with the seconds of each."""
    alive, alive_s = _timed(health.alive, context.config, Side.ORIGINAL)
    seen: dict[str, Any] = {"alive": alive, "alive_s": alive_s}
    with ThreadPoolExecutor(1) as beside:
        # At the same time as the write probe: that one starts an interpreter, and people wait.
        warm = beside.submit(_timed, health.warm_up, context.config, Side.ORIGINAL)
        if context.journal.copy_alone:
            # Its database is down, so it cannot write; the operator has decided without.
            seen["note"] = "the database is down, so it was not asked whether the original can write"
        elif read_only.is_on(context.config, context.journal.entries()):
            seen["note"] = f"it can only read by now; it is asked to write after: {read_only.OFF}"
        else:
            seen["write"], seen["write_s"] = _timed(health.can_write, context.config)
        seen["warm_up"], seen["warm_up_s"] = warm.result()
    return seen


def _timed(ask: Callable[..., Mapping[str, Any]], *arguments: object) -> tuple[Mapping[str, Any], float]:
    watch = stopwatch()
    return ask(*arguments), watch()


def tell(context: RunContext) -> Evidence:
    """Tell the team and begin the record of the incident; a hook that fails does not hold up the way back."""
    run = context.position().run
    assert run is not None  # noqa: S101 - an action is part of one
    path = incident.begin_record(context.config, run.id, _decided_at(context), context.facts, operator(), machine())
    facts = {"incident": str(path.relative_to(context.config.root)), "budget_s": context.config.rollback.budget_s}
    try:
        return {**facts, "notify": hook(context, "notify")}
    except (HookError, Refused) as error:
        context.say(f"the team was not told: {error}")
        return {**facts, "trouble": str(error)}


def hand_over(context: RunContext) -> Evidence:
    """Count the tasks in flight and let the team's hook drain them or hand them over.

    A switch loses no task in flight as long as its worker runs: the record moves people, not workers.
    """
    seen = dict(in_flight(context))
    try:
        return seen | {"drain": hook(context, "drain")}
    except HookError as error:
        context.say(f"the tasks were not handed over: {error}")
        return seen | {"trouble": str(error)}


def in_flight(context: RunContext) -> dict[str, Any]:
    """Ask the database how many tasks are in flight."""
    return {"in_flight": _count(context, "in_flight_sql")}


def count_lost(context: RunContext) -> Evidence:
    """Ask the database whether a task was lost."""
    lost = _count(context, "lost_sql")
    if isinstance(lost, int) and lost > 0:
        context.say(f"{lost} tasks are lost: see [rollback.tasks] lost_sql")
    return {"lost": lost, **in_flight(context)}


def _count(context: RunContext, name: str) -> int | str:
    tasks = context.config.rollback.tasks
    if tasks is None or context.journal.copy_alone:
        return (
            "unknown: handover.toml does not say how to count them"
            if tasks is None
            else "unknown: the database is down"
        )
    try:
        return traffic.number(context.config, getattr(tasks, name))
    except Exception as error:  # noqa: BLE001 - whatever the team's query does, the way back goes on
        return f"unknown: {str(error).strip()}"


def follow(context: RunContext) -> Evidence:
    """See whether the backend gets no more requests; what cannot be seen is said, and does not hold up the way back."""
    budget_s = context.config.rollback.budget_s
    left_s = budget_s * (1 - FOR_THE_REST) - (context.journal.now() - _decided_at(context)).total_seconds()
    try:
        return traffic.follow(context.config, Side.BACKEND, say=context.say, at_most_s=left_s)
    except HandoverError as error:
        context.say(str(error))
        return {"quiet": False, "trouble": str(error)}


def measure(context: RunContext) -> Evidence:
    """Measure the whole against the budget and finish the incident's time line."""
    run = context.position().run
    assert run is not None  # noqa: S101
    parts = timings(context, run.id)
    visible_s = (context.journal.now() - _decided_at(context)).total_seconds()
    budget_s = context.config.rollback.budget_s
    context.say(f"rollback: {visible_s:.1f} s of {budget_s:.0f} s")
    path = context.config.root / run.done[TELL]["incident"]
    incident.finish_record(path, [f"{name}: {seconds:.1f} s" for name, seconds in parts.items()])
    return {"total_s": visible_s, "budget_s": budget_s, "within": visible_s <= budget_s, "parts": parts}


def timings(context: RunContext, run: str) -> dict[str, float]:
    """Return how long each action of a run took, in seconds."""
    done = [e.body for e in context.journal.entries() if e.kind == "action" and e.body["run"] == run]
    return {body["action"]: body["seconds"] for body in done if body["phase"] == "done"}


def _decided_at(context: RunContext) -> datetime:
    return datetime.fromisoformat(str(context.facts["decided_at"]))


def _after(context: RunContext) -> Mapping[str, Any]:
    try:
        return hook(context, "after-rollback")
    except (HookError, Refused) as error:
        return {"trouble": str(error)}


TELL, HAND_OVER, COUNT, MEASURE = "tell the team", "hand over the tasks", "count the tasks", "measure"


def rollback_command(config: Config) -> Command[RunContext]:
    """Return the command that moves people back, in the way that is declared."""
    back = chosen_way(config).back()
    actions = (
        Action(TELL, tell),
        Action(HAND_OVER, hand_over),
        *read_only.switch_off(config),
        *back,
        Action("follow the traffic", follow),
        Action(COUNT, count_lost),
        Action("hook after-rollback", _after),
        Action(MEASURE, measure),
    )
    return Command("rollback", actions, preflight, deciding(back))

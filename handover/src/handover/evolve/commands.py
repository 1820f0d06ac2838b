"""The commands of an evolution: start, switch, rollback and contract, each made from the plan."""

from collections.abc import Iterator
from typing import Any

from psycopg import connect

from handover.config.config import database_url
from handover.errors import Refused
from handover.evolve.comparison import require_equal, require_equal_after
from handover.evolve.context import EvolveContext
from handover.evolve.dependents import dependents
from handover.evolve.evolution import FILE_NAME
from handover.evolve.execute import step_actions
from handover.evolve.gates import RED_EVOLVE_GATES, judge_evolve_gates
from handover.evolve.guard import check_plan
from handover.evolve.marks import StepMark
from handover.evolve.old_users import check_unused
from handover.evolve.position import current_evolution, evolution_position, start_entry
from handover.evolve.remains import remains
from handover.evolve.roles import check_roles
from handover.evolve.sessions import new_clients, sessions_of
from handover.evolve.shapes import changed_shapes, table_shapes
from handover.evolve.statement import EvolutionPlan
from handover.evolve.states import CONTRACT, ROLLBACK, START, SWITCH
from handover.finding import Finding
from handover.runs.command import Action, Command, Evidence
from handover.runs.position import STREAM
from handover.schema.evolved import KEPT_SUFFIX, SHADOW_SUFFIX
from handover.wording import counted

NOTE_SHAPE, COMPARE, LEFT = "note the shape", "compare every row", "see that nothing is left"
NO_NEW_CLIENT, UNUSED = "see that no new client is left", "see that nothing uses the old shape"
NO_DEPENDENT = "see that nothing else uses what is removed"
ANOTHER, CONNECTED, LEFTOVERS, DEPENDENTS = "HO649", "HO648", "HO650", "HO654"


def evolve_commands(plan: EvolutionPlan) -> dict[str, Command[EvolveContext]]:
    """Return every command of an evolution by its name, with the steps of its plan."""
    start = (Action(NOTE_SHAPE, note_shape), *step_actions("start", plan.start))
    switch = (Action(COMPARE, require_equal), *step_actions("switch", plan.switch))
    back = tuple(Action(action.name, _if_switched(action)) for action in step_actions("back", plan.back))
    rollback = (
        *back,
        Action(NO_NEW_CLIENT, no_new_client),
        Action(NO_DEPENDENT, no_dependent),
        *step_actions("remove", plan.remove),
        Action(LEFT, nothing_left_after_rollback),
    )
    contract = (
        Action(COMPARE, require_equal_after),
        Action(UNUSED, old_shape_unused),
        *step_actions("contract", plan.contract),
        Action(LEFT, nothing_left_after_contract),
    )
    return {
        START: Command(START, start, start_preflight, NOTE_SHAPE),
        SWITCH: Command(SWITCH, switch, switch_preflight, COMPARE),
        ROLLBACK: Command(ROLLBACK, rollback, nothing_first, rollback[0].name),
        CONTRACT: Command(CONTRACT, contract, old_shape_unused, COMPARE),
    }


def two_shapes(plan: EvolutionPlan) -> bool:
    """Say whether clients meet two shapes: an evolution that only adds an index has one."""
    return bool(plan.switch) or any(one.columns for one in (*plan.contract_drops, *plan.remove_drops))


def start_preflight(context: EvolveContext) -> Evidence:
    """The plan is safe to run, no other evolution is under way, every role is known, and the gates are open.

    Raises
    ------
    Refused
        One of these does not hold. Nothing was changed.
    """
    plan = context.plan
    check_plan(plan)
    check_turn(context)
    if two_shapes(plan):
        with connect(database_url(context.config)) as connection:
            check_roles(connection, context.config.evolve, plan.tables)
    return {"plan": plan.checksum, "gates": require_gates(context)}


def check_turn(context: EvolveContext) -> None:
    """Raise unless it is this evolution's turn.

    Raises
    ------
    Refused
        Another one is under way, or one with a lower number is not contracted.
    """
    entries = context.journal.entries()
    current = current_evolution(entries)
    if current and current.name != context.name:
        message = f"{current.name} is under way: its state is {current.position.state}. One evolution at a time."
        raise Refused(f"{message} Contract it or roll it back first: handover status", code=ANOTHER)
    folder = context.config.root / context.config.evolve.folder
    names = sorted(path.stem for path in folder.glob("*.toml") if FILE_NAME.fullmatch(path.stem))
    for name in (one for one in names if one[:4] < context.name[:4]):
        state = evolution_position(entries, name).state
        if state != "contracted":
            message = f"{name} comes before {context.name}, and its state is {state}. Nothing was changed."
            raise Refused(f"{message} Bring it to its end first, or remove its file if it is given up.", code=ANOTHER)


def require_gates(context: EvolveContext) -> list[dict[str, Any]]:
    """Return what every gate found.

    Raises
    ------
    Refused
        A gate is red and not overridden, or one is overridden without views for old clients.
    """
    overrides = dict(context.facts.get("overrides", {}))
    judged = judge_evolve_gates(context.config, context.journal, overrides)
    used = [one for one in judged if one.because and not one.result.ok]
    for one in used:
        context.say(f"OVERRIDDEN  gate {one.gate} is red: {one.result.found} -- because: {one.because}")
    context.add("gates", {"gates": [one.as_json() for one in judged]})
    red = tuple(one.finding() for one in judged if not one.open)
    if red:
        raise Refused(f"{len(red)} of {len(judged)} gates are red; nothing was changed.", red, code=RED_EVOLVE_GATES)
    settings = context.config.evolve
    if used and two_shapes(context.plan) and not (settings.old_roles or settings.carrying_roles):
        message = "an override needs views of the old shape, and [evolve] names no role that gets them."
        raise Refused(f"{message} Name the roles of old clients: old_roles or carrying_roles.", code=RED_EVOLVE_GATES)
    return [one.as_json() for one in judged]


def note_shape(context: EvolveContext) -> Evidence:
    """Note the shape of every table before anything is changed."""
    return {"shapes": table_shapes(context.config, context.plan.tables)}


def switch_preflight(context: EvolveContext) -> Evidence:
    """No session of an old role is left from before its search path was changed.

    Raises
    ------
    Refused
        One is left: it would meet the new names.
    """
    found: dict[str, Any] = {}
    for evidence in recycled(context):
        with connect(database_url(context.config)) as connection:
            left = sessions_of(connection, evidence["roles"], evidence["since"])
        if left:
            message = f"{counted(len(left), 'session')} would meet the new names: {left[0]}. Nothing was changed."
            raise Refused(f"{message} End them, then switch.", code="HO643")
        found = {"recycled": evidence["roles"], "since": evidence["since"]}
    return found


def recycled(context: EvolveContext) -> Iterator[dict[str, Any]]:
    """Yield what each recycling of sessions noted in the newest start: ``roles`` and ``since``."""
    entries = context.journal.entries()
    run = start_entry(entries, context.name).body["run"]
    for entry in entries:
        if entry.kind == "action" and entry.body["run"] == run and entry.body["phase"] == "done":
            evidence = entry.body["evidence"]
            if {"roles", "since"} <= evidence.keys():
                yield evidence


def nothing_first(_: EvolveContext) -> Evidence:
    """Nothing has to hold: a rollback may begin at any time."""
    return {}


def _if_switched(action: Action[EvolveContext]) -> Any:
    def do(context: EvolveContext) -> Evidence:
        if not was_switched(context):
            return {"note": "the names were not switched, so there is nothing to switch back"}
        return action.do(context)

    return do


def was_switched(context: EvolveContext) -> bool:
    """Say whether the rollback that is under way began after the names were switched.

    The state ``switching`` alone does not say it; the mark does, which is made in the transaction of the switch.
    """
    source = context.facts["source"]
    if source == "switched":
        return True
    if source != "switching":
        return False
    runs = [
        entry.body["run"]
        for entry in context.journal.entries()
        if entry.kind == "run" and entry.body.get(STREAM) == context.stream and entry.body["command"] == SWITCH
    ]
    names = [action.name for action in step_actions("switch", context.plan.switch)]
    with connect(database_url(context.config), autocommit=True) as connection:
        marks = [StepMark(context.config.journal.role, context.name, runs[-1], name).read(connection) for name in names]
    return any(done for done, _ in marks)


def no_new_client(context: EvolveContext) -> Evidence:
    """See that no session expects the new shape, before it is removed.

    Raises
    ------
    Refused
        One is connected, or it is not known.
    """
    if not two_shapes(context.plan):
        return {"note": "the evolution has one shape only"}
    with connect(database_url(context.config)) as connection:
        found = new_clients(connection, context.config.evolve)
    if found:
        message = f"clients of the new shape are connected: {counted(len(found), 'session')}, the first is {found[0]}."
        raise Refused(f"{message} Stop them, or let them expect the old shape; then: handover resume", code=CONNECTED)
    return {"new_clients": 0}


def no_dependent(context: EvolveContext) -> Evidence:
    """See that others have made nothing from what is removed: DROP would refuse in the middle.

    Raises
    ------
    Refused
        Names each of them.
    """
    plan = context.plan
    with connect(database_url(context.config)) as connection:
        found = list(dependents(connection, context.config.evolve, plan, plan.remove_drops))
    if found:
        summary = "what the start made is used by others, so it is not removed yet."
        todo = "Drop it, or let it use the old columns of the table; then: handover resume"
        findings = (
            Finding(code=DEPENDENTS, where=what, found=use, expected="it would lose that", todo=todo)
            for what, use in found
        )
        raise Refused(summary, tuple(findings), code=DEPENDENTS)
    return {"dependents": 0}


def old_shape_unused(context: EvolveContext) -> Evidence:
    """See that nothing uses the old shape; see :func:`handover.evolve.old_users.check_unused`."""
    if not two_shapes(context.plan):
        return {"note": "the evolution has one shape only"}
    with connect(database_url(context.config)) as connection:
        check_unused(connection, context.config.evolve, context.plan)
    return {"old_users": 0}


def nothing_left_after_rollback(context: EvolveContext) -> Evidence:
    """See that every table has its former shape, and that nothing of the evolution is left.

    Raises
    ------
    Refused
        Something is left.
    """
    require_nothing_left(context, SHADOW_SUFFIX)
    entries, run = context.journal.entries(), start_entry(context.journal.entries(), context.name).body["run"]
    noted = [
        e.body["evidence"] for e in entries if e.kind == "action" and e.body["run"] == run and "evidence" in e.body
    ]
    before: dict[str, str] = next((evidence["shapes"] for evidence in noted if "shapes" in evidence), {})
    changed = changed_shapes(before, table_shapes(context.config, context.plan.tables)) if before else []
    for table in changed:
        context.say(f"{table} has another shape than before the start; compare: handover check")
    return {"changed_since": changed}


def nothing_left_after_contract(context: EvolveContext) -> Evidence:
    """See that nothing of the old shape and of the evolution's own objects is left.

    Raises
    ------
    Refused
        Something is left.
    """
    require_nothing_left(context, KEPT_SUFFIX)
    return {"shapes": table_shapes(context.config, context.plan.tables)}


def require_nothing_left(context: EvolveContext, suffix: str) -> None:
    """Raise when objects of the evolution are there.

    Parameters
    ----------
    context
        What the command acts with.
    suffix
        Of the columns that must be gone.

    Raises
    ------
    Refused
        Names each of them.
    """
    plan = context.plan
    pairs = [pair for step in plan.start for pair in step.arguments.get("pairs", ())]
    columns = {pair["shadow" if suffix == SHADOW_SUFFIX else "kept"] for pair in pairs}
    with connect(database_url(context.config)) as connection:
        left = remains(connection, context.config.evolve, plan.tables, sorted(columns))
    if left:
        message = f"{counted(len(left), 'object')} of {plan.evolution} are still there: {'; '.join(left[:5])}."
        raise Refused(f"{message} Find out what made them, drop them, then: handover resume", code=LEFTOVERS)

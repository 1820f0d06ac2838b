"""The commands of an evolution: start, switch, rollback and contract, each made from the plan."""

from typing import Any

from handover.evolve.comparison import names_switched, require_equal, require_equal_after, require_no_loss
from handover.evolve.context import EvolveContext
from handover.evolve.endings import (
    no_dependent,
    no_new_client,
    note_shape,
    nothing_left_after_contract,
    nothing_left_after_rollback,
    old_shape_unused,
)
from handover.evolve.execute import step_actions
from handover.evolve.kept_settings import check_kept_settings
from handover.evolve.lost_steps import NOT_SWITCHED
from handover.evolve.marks import StepMark
from handover.evolve.preflight import start_preflight, switch_preflight
from handover.evolve.session import open_session
from handover.evolve.statement import EvolutionPlan
from handover.evolve.states import CONTRACT, ROLLBACK, START, SWITCH
from handover.journal.entry import STREAM
from handover.runs.command import Action, Command, Evidence

NOTE_SHAPE, COMPARE, LEFT = "note the shape", "compare every row", "see that nothing is left"
NO_NEW_CLIENT, UNUSED = "see that no new client is left", "see that nothing uses the old shape"
NO_DEPENDENT = "see that nothing else uses what is removed"


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
        ROLLBACK: Command(ROLLBACK, rollback, rollback_preflight, rollback[0].name),
        CONTRACT: Command(CONTRACT, contract, contract_preflight, COMPARE),
    }


def rollback_preflight(context: EvolveContext) -> Evidence:
    """The settings are those of the start, and no new value would be lost, or that is accepted."""
    check_kept_settings(context)
    if context.facts.get("accept_loss") or context.facts["source"] == "starting":
        return {}
    # By the catalog: a rollback that goes on after a crash may have changed the names back.
    return require_no_loss(context, switched=names_switched(context))


def contract_preflight(context: EvolveContext) -> Evidence:
    """The settings are those of the start, and nothing uses the old shape."""
    check_kept_settings(context)
    return old_shape_unused(context)


def _if_switched(action: Action[EvolveContext]) -> Any:
    def do(context: EvolveContext) -> Evidence:
        if not was_switched(context):
            return NOT_SWITCHED
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
    with open_session(context.config, autocommit=True) as connection:
        marks = [StepMark(context.config.journal.role, context.name, runs[-1], name).read(connection) for name in names]
    return any(done for done, _ in marks)

"""Goes on with an evolution's command that was interrupted, or back from it."""

from handover.errors import Refused
from handover.evolve.commands import evolve_commands
from handover.evolve.context import EvolveContext
from handover.evolve.kept_settings import check_kept_settings
from handover.evolve.lost_steps import run_to_repeat
from handover.evolve.states import ROLLBACK, WITH_WAY_BACK, describe
from handover.runs.command import continue_command, settled_position, start_command


def resume_evolution(context: EvolveContext) -> None:
    """Go on with what was interrupted, or do again what the database lost; nothing to do when there is neither.

    Raises
    ------
    Refused
        What the command needs does not hold any more.
    """
    position = settled_position(context)
    again = run_to_repeat(context.config, context.journal.entries(), context.name)
    run = again or position.run
    if run is not None:
        check_kept_settings(context)
        continue_command(context, evolve_commands(context.plan)[run.command], run)


def resume_evolution_back(context: EvolveContext, because: str) -> None:
    """Roll back instead of going on.

    Parameters
    ----------
    context
        What the command acts with.
    because
        Why; the journal keeps it.

    Raises
    ------
    Refused
        Nothing leads back from there.
    """
    position = settled_position(context)
    if position.state not in WITH_WAY_BACK:
        text, todo = describe(position.state, context.name)
        message = (
            f"{context.name} is in the state {position.state}: {text}. There is no way back from what is under way."
        )
        raise Refused(f"{message} Next: {todo}", code="HO509")
    start_command(context, evolve_commands(context.plan)[ROLLBACK], {"because": because})

"""The commands with actions, by name; how an interrupted one goes on, or back."""

from collections.abc import Callable, Mapping
from typing import Any

from handover.config.config import Config
from handover.cutover import read_only
from handover.cutover.cleanup import cleanup_command
from handover.cutover.context import RunContext
from handover.cutover.next_step import can_be_given_up
from handover.cutover.parallel_operation import begin_command, end_command
from handover.cutover.position import Position
from handover.cutover.rollback import rollback_command
from handover.cutover.states import COMMAND_BACK, DESCRIPTIONS
from handover.cutover.switch import cutover_command
from handover.cutover.ways.analysis import RedStepError
from handover.errors import Refused
from handover.runs.command import Command, continue_command, settled_position, start_command
from handover.side import Side


def commands(config: Config) -> dict[str, Command[RunContext]]:
    """Return every command with actions; those of a clean-up are what the team declared."""
    makers = (begin_command, end_command, cutover_command, rollback_command, cleanup_command)
    return {command.name: command for command in (make(config) for make in makers)}


def switch(context: RunContext, facts: Mapping[str, Any]) -> None:
    """Move people to the backend; a red step goes back by itself where ``[switch] on_red`` says so.

    Parameters
    ----------
    context, facts
        What the command acts with, and what it is given: the plan, and overridden gates.

    Raises
    ------
    RedStepError
        The watch was red after a step.
    """
    _back_when_red(context, lambda: start_command(context, commands(context.config)["cutover"], facts))


def _back_when_red(context: RunContext, move: Callable[[], None]) -> None:
    try:
        move()
    except RedStepError as error:
        # A red original is no place to send people to without a person.
        if context.config.switch.on_red != "back" or error.original:
            raise
        context.say(f"automatic rollback: {error}")
        facts = {"because": str(error), "automatic": True, "decided_at": context.journal.now().isoformat()}
        start_command(context, commands(context.config)["rollback"], facts)
        raise RedStepError(error.told, "People were moved back to the original.") from error


def resume_command(context: RunContext) -> Position:
    """Go on with what was interrupted; nothing to do when nothing was.

    Raises
    ------
    Refused
        What the command needs does not hold any more.
    """
    position = settled_position(context)
    if position.run is None:
        if DESCRIPTIONS[position.state].people_reach is Side.ORIGINAL:
            read_only.lift_pending(context)
        return position
    run = position.run
    _back_when_red(context, lambda: continue_command(context, commands(context.config)[run.command], run))
    return context.position()


def resume_back(context: RunContext, because: str, unproven: str = "") -> Position:
    """Go back from what was interrupted.

    Parameters
    ----------
    context
        What the command acts with.
    because
        Why to go back; the journal keeps it.
    unproven
        Why to go back although the original is not proven; empty when that is not wanted.

    Raises
    ------
    Refused
        There is nothing to go back from, or no way back.
    """
    position = settled_position(context)
    if position.run is not None and position.state == "rolling_back":
        return _give_up_rollback(context, position)
    if position.run is None or position.state not in COMMAND_BACK:
        text = DESCRIPTIONS[position.state].text
        raise Refused(f"the state is {position.state}: {text}. Nothing is under way to go back from.", code="HO509")
    facts = {"because": because, "unproven": unproven, "decided_at": context.journal.now().isoformat()}
    start_command(context, commands(context.config)[COMMAND_BACK[position.state]], facts)
    return context.position()


def _give_up_rollback(context: RunContext, position: Position) -> Position:
    run = position.run
    assert run is not None  # noqa: S101 - the caller has looked
    source = str(run.facts["source"])
    if not can_be_given_up(context.config, run):
        message = "the change back has started, so it must be finished; it cannot be given up."
        raise Refused(f"{message} Go on: handover resume. Then cut over again.", code="HO509")
    begun = (read_only.OFF in run.done) or run.begun == read_only.OFF
    if begun and read_only.was_on_at_switch(context.journal.entries()):
        read_only.switch_on(context.config)[0].do(context)
    context.journal.add("state", {"source": position.state, "target": source, "because": "the way back was given up"})
    return context.position()

"""Perform a command action by action: the journal gets an entry before and after each."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import uuid4

import psycopg

from handover.errors import HandoverError, Refused
from handover.runs.context import ActingContext
from handover.runs.position import AnyPosition, CommandRun, StreamPosition
from handover.troubles import as_handover_error

Evidence = Mapping[str, Any]
Acting = TypeVar("Acting", bound=ActingContext[Any])


@dataclass(frozen=True)
class Action(Generic[Acting]):
    """One step of a command. Doing it twice has the same effect as doing it once.

    Attributes
    ----------
    name
        What it does, for people.
    do
        Does it, and returns what the journal keeps of it.
    change
        Returns what the journal says beforehand of the change that it is about to make.
    """

    name: str
    do: Callable[[Acting], Evidence]
    change: Callable[[Acting], Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Command(Generic[Acting]):
    """Actions in their order, and ``preflight``: what must hold before the first of them changes anything.

    ``preflight`` is asked again when the command is resumed before its action ``decides`` was done.
    """

    name: str
    actions: tuple[Action[Acting], ...]
    preflight: Callable[[Acting], Evidence]
    decides: str


def start_command(context: Acting, command: Command[Acting], facts: Mapping[str, Any]) -> None:
    """Perform a command from its first action.

    Parameters
    ----------
    context, command
        What the actions need, and the command.
    facts
        What the command is given; the journal keeps it, so it must be JSON.

    Raises
    ------
    Refused
        The state does not allow it, everything is paused, or its preflight does not hold. Nothing was changed.
    """
    position = settled_position(context)
    found = context.transition(command.name, position.state)
    assert found.through is not None  # noqa: S101 - a command with actions has a state of its own
    context.facts = {**facts, "source": position.state}
    asked = dict(command.preflight(context))
    run = CommandRun(str(uuid4()), command.name, found.target, tuple(a.name for a in command.actions))
    body = {
        "run": run.id,
        "command": run.command,
        "source": position.state,
        "through": found.through,
        "target": found.target,
        "actions": list(run.actions),
        "facts": context.facts,
        "preflight": asked,
    }
    context.at_point("begin")
    context.add("run", body)
    context.at_point("begun")
    _perform(context, command, run)


def continue_command(context: Acting, command: Command[Acting], run: CommandRun) -> None:
    """Perform what is left of a command that was interrupted.

    Parameters
    ----------
    context, command
        What the actions need, and the command.
    run
        How far the command came before.

    Raises
    ------
    Refused
        What the command needs does not hold any more.
    """
    context.facts = run.facts
    if command.decides not in run.done:
        try:
            command.preflight(context)
        except HandoverError as error:
            context.add("refused", {"run": run.id, "error": str(error)}, after_the_fact=True)
            raise
    _perform(context, command, run)


def settled_position(context: ActingContext[AnyPosition]) -> AnyPosition:
    """Return the position after catching up.

    Raises
    ------
    Refused
        Everything is paused, or the journal contradicts itself.
    """
    if not context.journal.copy_alone:
        for entry in context.journal.catch_up():
            context.say(
                f"the database lacked the entry {entry.kind} of {entry.who} at {entry.at:%H:%M:%S}; it is there now"
            )
    position = context.position()
    if position.conflict:
        message = f"journal entries contradict each other: {position.conflict}. Nothing was changed."
        raise Refused(f"{message} Find out which happened (handover status), then roll back.", code="HO506")
    check_pause(position)
    return position


def check_pause(position: StreamPosition) -> None:
    """Raise when everything is paused."""
    if position.paused:
        by = position.paused
        why = by.body.get("because") or "no reason given"
        message = f"everything is paused by {by.who} on {by.machine} since {by.at:%F %T %Z}: {why}."
        raise Refused(f"{message} Lift it: handover pause --lift", code="HO507")


def _perform(context: Acting, command: Command[Acting], run: CommandRun) -> None:
    for action in command.actions:
        if action.name not in run.done:
            _act(context, run, action)
    context.at_point("end")
    context.add("ended", {"run": run.id, "target": run.target}, after_the_fact=True)
    context.at_point("ended")


def _act(context: Acting, run: CommandRun, action: Action[Acting]) -> None:
    context.lease.check()
    check_pause(context.position())
    about = {"run": run.id, "action": action.name}
    change = dict(action.change(context)) if action.change else {}
    context.at_point(f"{action.name}: before")
    context.add("action", {**about, "phase": "begun", **change})
    context.at_point(f"{action.name}: begun")
    context.say(action.name)
    began = time.monotonic()
    try:
        evidence = dict(action.do(context))
    except HandoverError as error:
        _failed(context, about, error)
        raise
    except psycopg.Error as error:
        told = as_handover_error(error)
        _failed(context, about, told)
        raise told from error
    took = round(time.monotonic() - began, 3)
    context.at_point(f"{action.name}: done")
    body = {**about, "phase": "done", "seconds": took, "evidence": evidence, **change}
    context.add("action", body, after_the_fact=True)
    context.at_point(f"{action.name}: written")


def _failed(context: ActingContext[Any], about: Mapping[str, str], error: HandoverError) -> None:
    context.add("action", {**about, "phase": "failed", "error": str(error)}, after_the_fact=True)

"""How far the handover is: one position, computed from the journal's entries.

Entries that move it, by kind: ``init``; ``run`` begins a command (``run``, ``command``, ``through``, ``target``,
``actions``); ``action`` (``run``, ``action``, ``phase`` of begun, done, failed); ``ended`` ends a run; ``state`` is a
command without actions; ``pause`` and ``lift``. All others are for readers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from handover.cutover.states import State
from handover.journal.entry import JournalEntry

Values = tuple[str, ...]


@dataclass(frozen=True)
class CommandRun:
    """A command that has begun and not ended.

    Attributes
    ----------
    id, command, target
        Its identity, what it is, the state it leads to.
    actions
        All of them, in order.
    done
        The evidence of each action that is done, by the action's name.
    begun
        The action that was begun and is not done; how far it came is not known. Empty without one.
    error
        Why that action failed; empty when it did not, or when its process could not write it down.
    facts
        What the command was given, for example its plan.
    """

    id: str
    command: str
    target: State
    actions: tuple[str, ...]
    done: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    begun: str = ""
    error: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Position:
    """How far the handover is.

    Attributes
    ----------
    state, since
        The state, and when it was entered.
    run
        The command that is under way, or None.
    paused
        The entry of the pause: who paused everything, and why; or None.
    record
        The values that the DNS record may have: one set, or two while a change is under way. None when the journal
        has not changed it.
    conflict
        How entries contradict each other; empty when they do not.
    """

    state: State = "none"
    since: datetime | None = None
    run: CommandRun | None = None
    paused: JournalEntry | None = None
    record: tuple[Values, ...] | None = None
    conflict: str = ""


def position_of(entries: Iterable[JournalEntry]) -> Position:
    """Return the position that the entries lead to."""
    position = Position()
    for entry in entries:
        position = _STEPS.get(entry.kind, _stay)(position, entry)
    return position


def _stay(position: Position, _: JournalEntry) -> Position:
    return position


def _init(position: Position, entry: JournalEntry) -> Position:
    return replace(position, state="preparing", since=entry.at)


def _state(position: Position, entry: JournalEntry) -> Position:
    return replace(_checked(position, entry), state=entry.body["target"], since=entry.at, run=None)


def _run(position: Position, entry: JournalEntry) -> Position:
    body = entry.body
    run = CommandRun(body["run"], body["command"], body["target"], tuple(body["actions"]), facts=body.get("facts", {}))
    return replace(_checked(position, entry), state=body["through"], since=entry.at, run=run)


def _checked(position: Position, entry: JournalEntry) -> Position:
    if entry.body["source"] == position.state:
        return position
    said = f"entry {entry.seq or entry.id} of {entry.who} on {entry.machine} leads from {entry.body['source']}"
    return replace(position, conflict=f"{said}, but the entries before it lead to {position.state}")


def _action(position: Position, entry: JournalEntry) -> Position:
    run, body = position.run, entry.body
    if run is None or run.id != body["run"]:
        return position
    phase, name = body["phase"], body["action"]
    record = position.record
    if change := body.get("record"):
        record = (tuple(change["from"]), tuple(change["to"])) if phase == "begun" else record
        record = (tuple(change["to"]),) if phase == "done" else record
    if phase == "begun":
        return replace(position, run=replace(run, begun=name, error=""), record=record)
    if phase == "failed":
        return replace(position, run=replace(run, begun=name, error=body["error"]))
    done = {**run.done, name: body.get("evidence", {})}
    return replace(position, run=replace(run, done=done, begun="", error=""), record=record)


def _ended(position: Position, entry: JournalEntry) -> Position:
    if position.run is None or position.run.id != entry.body["run"]:
        return position
    return replace(position, state=position.run.target, since=entry.at, run=None)


def _pause(position: Position, entry: JournalEntry) -> Position:
    return replace(position, paused=position.paused or entry)


def _lift(position: Position, _: JournalEntry) -> Position:
    return replace(position, paused=None)


_STEPS = {
    "init": _init,
    "state": _state,
    "run": _run,
    "action": _action,
    "ended": _ended,
    "pause": _pause,
    "lift": _lift,
}

"""Where the move is: the journal's entries, folded into one position.

Entries that move it, by kind: ``init``; ``run`` begins a command (``run``, ``command``, ``through``, ``target``,
``actions``); ``action`` (``run``, ``action``, ``phase`` of begun, done, failed); ``ended`` ends a run; ``state`` is a
command without actions; ``pause`` and ``lift``. All others are for readers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from handover.cutover.states import State
from handover.journal.entry import Entry

Values = tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """A command that has begun and not ended.

    Attributes
    ----------
    id, command, target
        Its identity, what it is, the state it leads to.
    actions
        All of them, in order.
    done
        What each that is done brought, by name.
    begun
        The one that was begun and is not done; nobody knows how far it came. Empty when none is.
    error
        Why that one failed; empty when it did not, or when nobody could write it down.
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
    """Where the move is.

    Attributes
    ----------
    state, since
        The state, and when it was entered.
    run
        The command that is under way, or None.
    paused
        Who paused everything and why, or None.
    record
        The values that the DNS record may have: one set, or two while a change is under way. None when the journal
        has not changed it.
    conflict
        What the journal says that cannot be; empty when all of it fits together.
    """

    state: State = "none"
    since: datetime | None = None
    run: Run | None = None
    paused: Entry | None = None
    record: tuple[Values, ...] | None = None
    conflict: str = ""


def fold(entries: Iterable[Entry]) -> Position:
    """Return where the entries lead."""
    position = Position()
    for entry in entries:
        position = _FOLDS.get(entry.kind, _stay)(position, entry)
    return position


def _stay(position: Position, _: Entry) -> Position:
    return position


def _init(position: Position, entry: Entry) -> Position:
    return replace(position, state="preparing", since=entry.at)


def _state(position: Position, entry: Entry) -> Position:
    return replace(_met(position, entry), state=entry.body["target"], since=entry.at, run=None)


def _run(position: Position, entry: Entry) -> Position:
    body = entry.body
    run = Run(body["run"], body["command"], body["target"], tuple(body["actions"]), facts=body.get("facts", {}))
    return replace(_met(position, entry), state=body["through"], since=entry.at, run=run)


def _met(position: Position, entry: Entry) -> Position:
    if entry.body["source"] == position.state:
        return position
    said = f"entry {entry.seq or entry.id} of {entry.who} on {entry.machine} leads from {entry.body['source']}"
    return replace(position, conflict=f"{said}, but the entries before it lead to {position.state}")


def _action(position: Position, entry: Entry) -> Position:
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


def _ended(position: Position, entry: Entry) -> Position:
    if position.run is None or position.run.id != entry.body["run"]:
        return position
    return replace(position, state=position.run.target, since=entry.at, run=None)


def _pause(position: Position, entry: Entry) -> Position:
    return replace(position, paused=position.paused or entry)


def _lift(position: Position, _: Entry) -> Position:
    return replace(position, paused=None)


_FOLDS = {
    "init": _init,
    "state": _state,
    "run": _run,
    "action": _action,
    "ended": _ended,
    "pause": _pause,
    "lift": _lift,
}

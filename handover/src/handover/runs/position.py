"""How far a stream of the journal is: one position, computed from its entries.

The entries of the move itself have no stream; those of anything else name theirs in their body, under ``stream``. A
pause and its end hold for every stream.

Entries that change a position, by kind: ``run`` begins a command (``run``, ``command``, ``source``, ``through``,
``target``, ``actions``); ``action`` (``run``, ``action``, ``phase`` of begun, done, failed); ``refused`` (``run``,
``error``) says why one was not gone on with; ``ended`` ends a run;
``state`` is a command without actions; ``pause`` and ``lift``; ``accepted`` when a person said which state holds. All
others are for readers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from handover.journal.entry import STREAM, JournalEntry
from handover.journal.seal import ACCEPTED

# Entries that hold for every stream.
FOR_ALL = ("pause", "lift")


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
        Why that action failed, or why the command was not gone on with; empty when neither is known.
    facts
        What the command was given, for example its plan.
    """

    id: str
    command: str
    target: str
    actions: tuple[str, ...]
    done: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    begun: str = ""
    error: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StreamPosition:
    """How far a stream is.

    Attributes
    ----------
    state, since
        The state, and when it was entered.
    run
        The command that is under way, or None.
    paused
        The entry of the pause: who paused everything, and why; or None.
    conflict
        How entries contradict each other; empty when they do not.
    """

    state: str = "none"
    since: datetime | None = None
    run: CommandRun | None = None
    paused: JournalEntry | None = None
    conflict: str = ""


AnyPosition = TypeVar("AnyPosition", bound=StreamPosition)
# Given a position and an entry, returns the position after it.
Fold = Callable[[AnyPosition, JournalEntry], AnyPosition]


def of_stream(entries: Iterable[JournalEntry], stream: str = "") -> Iterator[JournalEntry]:
    """Yield the entries of a stream, and those that hold for every stream; without a name, those of the move."""
    return (entry for entry in entries if entry.body.get(STREAM, "") == stream or entry.kind in FOR_ALL)


def last_ended(entries: Sequence[JournalEntry], command: str) -> datetime | None:
    """Return when a command was last performed to its end, or a person said that it was; None when it never was."""
    begun = [entry.body for entry in entries if entry.kind == "run" and entry.body["command"] == command]
    runs, targets = {body["run"] for body in begun}, {body["target"] for body in begun}
    ends = [
        entry.at
        for entry in entries
        if (entry.kind == "ended" and entry.body["run"] in runs)
        or (entry.kind == ACCEPTED and entry.body.get("state") in targets)
    ]
    return ends[-1] if ends else None


def fold(
    position: AnyPosition,
    entries: Iterable[JournalEntry],
    stream: str = "",
    more: Mapping[str, Fold[AnyPosition]] | None = None,
) -> AnyPosition:
    """Return the position that the entries of a stream lead to.

    Parameters
    ----------
    position
        Where the stream begins.
    entries, stream
        The journal's entries, and the name of the stream; empty: the move.
    more
        How other kinds of entries change the position, or these kinds in another way.
    """
    steps: dict[str, Fold[AnyPosition]] = {
        "state": _state,
        "run": _run,
        "action": fold_action,
        "refused": _refused,
        "ended": _ended,
        "pause": _pause,
        "lift": _lift,
        ACCEPTED: _accepted,
        **(more or {}),
    }
    for entry in of_stream(entries, stream):
        step = steps.get(entry.kind)
        position = step(position, entry) if step else position
    return position


def fold_action(position: AnyPosition, entry: JournalEntry) -> AnyPosition:
    """Return the position after an action was begun, is done, or failed."""
    run, body = position.run, entry.body
    if run is None or run.id != body["run"]:
        return position
    phase, name = body["phase"], body["action"]
    if phase == "begun":
        return replace(position, run=replace(run, begun=name, error=""))
    if phase == "failed":
        return replace(position, run=replace(run, begun=name, error=body["error"]))
    done = {**run.done, name: body.get("evidence", {})}
    return replace(position, run=replace(run, done=done, begun="", error=""))


def _state(position: AnyPosition, entry: JournalEntry) -> AnyPosition:
    return replace(_checked(position, entry), state=entry.body["target"], since=entry.at, run=None)


def _run(position: AnyPosition, entry: JournalEntry) -> AnyPosition:
    body = entry.body
    run = CommandRun(body["run"], body["command"], body["target"], tuple(body["actions"]), facts=body.get("facts", {}))
    return replace(_checked(position, entry), state=body["through"], since=entry.at, run=run)


def _checked(position: AnyPosition, entry: JournalEntry) -> AnyPosition:
    if entry.body["source"] == position.state:
        return position
    said = f"entry {entry.seq or entry.id} of {entry.who} on {entry.machine} leads from {entry.body['source']}"
    return replace(position, conflict=f"{said}, but the entries before it lead to {position.state}")


def _refused(position: AnyPosition, entry: JournalEntry) -> AnyPosition:
    """The command was to go on, and what it needs does not hold."""
    run = position.run
    if run is None or run.id != entry.body["run"]:
        return position
    return replace(position, run=replace(run, error=entry.body["error"]))


def _ended(position: AnyPosition, entry: JournalEntry) -> AnyPosition:
    if position.run is None or position.run.id != entry.body["run"]:
        return position
    return replace(position, state=position.run.target, since=entry.at, run=None)


def _accepted(position: AnyPosition, entry: JournalEntry) -> AnyPosition:
    """A person has said which state holds; without one, the entries before it lead to it as they are."""
    state = entry.body.get("state")
    return replace(position, state=state, since=entry.at, run=None, conflict="") if state else position


def _pause(position: AnyPosition, entry: JournalEntry) -> AnyPosition:
    return replace(position, paused=position.paused or entry)


def _lift(position: AnyPosition, _: JournalEntry) -> AnyPosition:
    return replace(position, paused=None)

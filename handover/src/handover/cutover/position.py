"""How far the move is: the position of the journal's entries that have no stream, and what they say of the record.

Besides the kinds of :mod:`handover.runs.position`: ``init`` makes the journal, and an ``action`` that changes the DNS
record says so, under ``record``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from handover.cutover.states import State
from handover.journal.entry import JournalEntry
from handover.runs.position import StreamPosition, fold, fold_action

Values = tuple[str, ...]


@dataclass(frozen=True)
class Position(StreamPosition):
    """How far the move is.

    Attributes
    ----------
    record
        The values that the DNS record may have: one set, or two while a change is under way. None when the journal
        has not changed it.
    """

    state: State = "none"
    record: tuple[Values, ...] | None = None


def position_of(entries: Iterable[JournalEntry]) -> Position:
    """Return the position of the move that the entries lead to; those of other streams change nothing."""
    return fold(Position(), entries, more={"init": _init, "action": _action})


def _init(position: Position, entry: JournalEntry) -> Position:
    return replace(position, state="preparing", since=entry.at)


def _action(position: Position, entry: JournalEntry) -> Position:
    change = entry.body.get("record")
    if not change or position.run is None or position.run.id != entry.body["run"]:
        return fold_action(position, entry)
    record = {
        "begun": (tuple(change["from"]), tuple(change["to"])),
        "done": (tuple(change["to"]),),
    }.get(entry.body["phase"], position.record)
    return replace(fold_action(position, entry), record=record)

"""A rollback rehearsed where no people are: there and back by the real way, with the real original."""

from typing import Any

from handover.cutover import rollback
from handover.cutover.attempt import attempt_of
from handover.cutover.context import RunContext
from handover.cutover.evidence_gates import note_newest
from handover.cutover.stopwatch import stopwatch
from handover.cutover.ways.chosen import chosen_way
from handover.cutover.ways.way import WayRehearsal
from handover.errors import Refused
from handover.journal.evidence import recording
from handover.runs.command import settled_position


def rehearse(context: RunContext) -> dict[str, Any]:
    """Switch the second place and roll it back; return the seconds of each part.

    Raises
    ------
    ConfigurationError
        No second place is declared.
    Refused
        Something is under way, or a part of the rollback failed; then it leaves no evidence.
    """
    rehearsed = chosen_way(context.config).rehearsed(context)
    position = settled_position(context)
    if position.run is not None:
        message = f"`{position.run.command}` is under way; a rehearsal would get in its way."
        raise Refused(f"{message} First: handover resume", code="HO588")
    context.facts = {"record": rehearsed.place, "because": "a rehearsal", "rehearsal": True}
    context.journal.add("rehearsal", {"record": rehearsed.place})
    with recording(context.config, "rehearsal", attempt=attempt_of(context.journal.entries())) as recorder:
        rehearsed.prepare(context)
        recorder.summary |= _timed_way_back(context, rehearsed, recorder.line)
    note_newest(context.config, context.journal, "rehearsal")
    return recorder.summary


def _timed_way_back(context: RunContext, rehearsed: WayRehearsal, line: Any) -> dict[str, Any]:
    total, parts = stopwatch(), {}
    for title, work in {**_TRIED, **rehearsed.back}.items():
        context.say(title)
        watch = stopwatch()
        facts = work(context)
        parts[title] = watch()
        line("parts", {"part": title, "seconds": parts[title], "seen": facts})
    return {"record": rehearsed.place, "parts": parts, "total_s": total(), "budget_s": context.config.rollback.budget_s}


_TRIED = {"the original is tried": rollback.prove, "the tasks are counted": rollback.in_flight}

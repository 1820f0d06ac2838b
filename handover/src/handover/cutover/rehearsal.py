"""A rollback rehearsed on a second name: there and back with the real provider, name servers and original."""

from collections.abc import Callable, Mapping
from typing import Any

from handover.cutover import provider, rollback, zone
from handover.cutover.context import RunContext
from handover.cutover.evidence_gates import note_newest
from handover.errors import ConfigurationError, Refused
from handover.journal.evidence import recording
from handover.runs.command import settled_position
from handover.side import Side


def rehearse(context: RunContext) -> dict[str, Any]:
    """Switch the second name and roll it back; return the seconds of each part.

    Raises
    ------
    ConfigurationError
        No second name is declared.
    Refused
        Something is under way, or a part of the rollback failed; then it leaves no evidence.
    """
    name = context.dns.rehearsal_record
    if name is None or name == context.dns.record:
        message = "handover.toml: [dns] rehearsal_record must be a second name of the zone."
        raise ConfigurationError(f"{message} Add a name that no other system depends on.")
    position = settled_position(context)
    if position.run is not None:
        message = f"`{position.run.command}` is under way; a rehearsal would get in its way."
        raise Refused(f"{message} First: handover resume", code="HO588")
    context.facts = {"record": name, "because": "a rehearsal", "rehearsal": True}
    context.journal.add("rehearsal", {"record": name})
    with recording(context.config, "rehearsal") as recorder:
        _set(context, Side.ORIGINAL)
        _set(context, Side.BACKEND)
        recorder.summary |= _timed_way_back(context, recorder.line)
    note_newest(context.config, context.journal, "rehearsal")
    return recorder.summary


def _timed_way_back(context: RunContext, line: Any) -> dict[str, Any]:
    total, parts = zone.stopwatch(), {}
    for title, work in _PARTS.items():
        context.say(title)
        watch = zone.stopwatch()
        facts = work(context)
        parts[title] = watch()
        line("parts", {"part": title, "seconds": parts[title], "seen": facts})
    return {"record": context.record, "parts": parts, "total_s": total(), "budget_s": context.config.rollback.budget_s}


def _set(context: RunContext, side: Side) -> None:
    wanted = provider.wanted(context.dns, side)
    zone.write_record(context, wanted)
    zone.ask_servers(context, wanted)


_PARTS: dict[str, Callable[[RunContext], Mapping[str, Any]]] = {
    "the original is tried": rollback.prove,
    "the tasks are counted": rollback.in_flight,
    "the record is written": lambda context: zone.write_record(context, rollback.to_original(context)),
    "the name servers are asked": lambda context: zone.ask_servers(context, rollback.to_original(context)),
    "the resolvers are asked": lambda context: zone.ask_resolvers(context, rollback.to_original(context)),
}

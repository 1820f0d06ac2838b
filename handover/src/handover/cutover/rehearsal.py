"""A rollback rehearsed on a second name: there and back with the real provider, name servers and original."""

from collections.abc import Callable, Mapping
from typing import Any

from handover.cutover import provider, rollback, zone
from handover.cutover.evidence import note_newest
from handover.cutover.run import Night, settled
from handover.errors import ConfigurationError, Refused
from handover.journal.evidence import recording
from handover.side import Side


def rehearse(night: Night) -> dict[str, Any]:
    """Switch the second name and roll it back; return the seconds of each part.

    Raises
    ------
    ConfigurationError
        No second name is declared.
    Refused
        Something is under way, or a part of the rollback failed; then it leaves no evidence.
    """
    name = night.dns.rehearsal_record
    if name is None or name == night.dns.record:
        message = "handover.toml: [dns] rehearsal_record must be a second name of the zone."
        raise ConfigurationError(f"{message} Add it: nobody may depend on it.")
    position = settled(night)
    if position.run is not None:
        message = f"`{position.run.command}` is under way; a rehearsal would get in its way."
        raise Refused(f"{message} First: handover resume", code="HO588")
    night.facts = {"record": name, "because": "a rehearsal", "rehearsal": True}
    night.journal.add("rehearsal", {"record": name})
    with recording(night.config, "rehearsal") as recorder:
        _set(night, Side.ORIGINAL)
        _set(night, Side.BACKEND)
        recorder.summary |= _timed_way_back(night, recorder.line)
    note_newest(night.config, night.journal, "rehearsal")
    return recorder.summary


def _timed_way_back(night: Night, line: Any) -> dict[str, Any]:
    total, parts = zone.stopwatch(), {}
    for title, work in _PARTS.items():
        night.say(title)
        watch = zone.stopwatch()
        facts = work(night)
        parts[title] = watch()
        line("parts", {"part": title, "seconds": parts[title], "seen": facts})
    return {"record": night.record, "parts": parts, "total_s": total(), "budget_s": night.config.rollback.budget_s}


def _set(night: Night, side: Side) -> None:
    wanted = provider.wanted(night.dns, side)
    zone.write_record(night, wanted)
    zone.ask_servers(night, wanted)


_PARTS: dict[str, Callable[[Night], Mapping[str, Any]]] = {
    "the original is tried": rollback.prove,
    "the tasks are counted": rollback.in_flight,
    "the record is written": lambda night: zone.write_record(night, rollback.to_original(night)),
    "the name servers are asked": lambda night: zone.ask_servers(night, rollback.to_original(night)),
    "the resolvers are asked": lambda night: zone.ask_resolvers(night, rollback.to_original(night)),
}

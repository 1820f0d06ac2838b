"""How far each evolution is, in words, for `handover status`."""

from collections.abc import Sequence
from typing import Any

from handover.evolve.position import begun_evolutions, evolution_position
from handover.evolve.states import AT_REST, WITH_WAY_BACK, describe, evolve_allowed
from handover.journal.entry import JournalEntry
from handover.runs.position import StreamPosition


def evolution_lines(entries: Sequence[JournalEntry]) -> list[str]:
    """Return how far each evolution is, for people."""
    return [line for name in begun_evolutions(entries) for line in _lines(name, evolution_position(entries, name))]


def reached(name: str, position: StreamPosition) -> str:
    """Return where a command led, one line."""
    text, todo = describe(position.state, name)
    return f"{name}: {position.state}: {text}. Next: {todo}"


def _lines(name: str, position: StreamPosition) -> list[str]:
    text, todo = describe(position.state, name)
    since = f" since {position.since:%F %T %Z}" if position.since else ""
    lines = [f"Evolution {name}: {position.state}{since}: {text}."]
    if position.conflict:
        lines.append(f"  Journal entries contradict each other: {position.conflict}.")
    run = position.run
    if run is not None:
        lines.append(f"  Under way: {run.command}; {len(run.done)} of {len(run.actions)} actions are done.")
        if run.error:
            lines.append(f"  `{run.begun}` failed: {run.error}")
        elif run.begun:
            lines.append(f"  `{run.begun}` was begun; the journal does not say whether it was done.")
    back = " (or back: handover resume --back)" if position.state in WITH_WAY_BACK else ""
    if position.state not in AT_REST:
        allowed = ", ".join(evolve_allowed(position.state)) or "nothing but resume"
        lines.append(f"  Allowed now: {allowed}. Next: {todo}{back}")
    return lines


def evolutions_json(entries: Sequence[JournalEntry]) -> list[dict[str, Any]]:
    """Return how far each evolution is, for machines."""
    return [_json(name, evolution_position(entries, name)) for name in begun_evolutions(entries)]


def _json(name: str, position: StreamPosition) -> dict[str, Any]:
    run = position.run
    return {
        "evolution": name,
        "state": position.state,
        "since": position.since,
        "under_way": run.command if run else None,
        "begun": run.begun if run else None,
        "done": list(run.done) if run else [],
        "conflict": position.conflict,
    }


def evolution_conflicts(entries: Sequence[JournalEntry]) -> list[str]:
    """Return how entries of evolutions contradict each other; empty when they do not."""
    found = (evolution_position(entries, name).conflict for name in begun_evolutions(entries))
    return [conflict for conflict in found if conflict]

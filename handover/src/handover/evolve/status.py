"""How far each evolution is, in words, for `handover status`."""

from collections.abc import Sequence
from typing import Any

from handover.cutover.next_step import NextStep
from handover.evolve.position import begun_evolutions, evolution_position
from handover.evolve.states import AT_REST, WITH_WAY_BACK, describe, evolve_allowed
from handover.journal.entry import JournalEntry
from handover.runs.position import StreamPosition

# What a person sees to before the next command of a state can work.
FIRST = {
    "expanded": "let the new system use the new shape, and end sessions from before the start",
    "switched": "end every client of the old shape",
}


def evolution_lines(entries: Sequence[JournalEntry], *, settled: bool = True) -> list[str]:
    """Return how far each evolution is, for people.

    Parameters
    ----------
    entries
        All entries of the journal.
    settled
        Whether a command of an evolution works now; else the next step of the move comes first.
    """
    return [
        line
        for name in begun_evolutions(entries)
        for line in _lines(name, evolution_position(entries, name), settled=settled)
    ]


def reached(name: str, position: StreamPosition) -> str:
    """Return where a command led, one line."""
    text, todo = describe(position.state, name)
    return f"{name}: {position.state}: {text}. Next: {todo}"


def _lines(name: str, position: StreamPosition, *, settled: bool) -> list[str]:
    text, _ = describe(position.state, name)
    since = f" since {position.since:%F %T %Z}" if position.since else ""
    lines = [f"Evolution {name}: {position.state}{since}: {text}."]
    if position.conflict:
        lines.append(f"  Journal entries contradict each other: {position.conflict}.")
    run = position.run
    if run is not None:
        lines.append(f"  Under way: {run.command}; {len(run.done)} of {len(run.actions)} actions are done.")
        if run.error:
            lines.append(f"  `{run.begun or run.command}` failed: {run.error}")
        elif run.begun:
            lines.append(f"  `{run.begun}` was begun; the journal does not say whether it was done.")
    if position.state not in AT_REST:
        allowed = ", ".join(evolve_allowed(position.state)) or "nothing but resume"
        then = _next(name, position) if settled else "as above"
        lines.append(f"  Allowed now: {allowed}. Next: {then}")
    return lines


def _next(name: str, position: StreamPosition) -> NextStep:
    """Return the next step of an evolution that is under way, what a person does before, and the way back."""
    _, todo = describe(position.state, name)
    first = FIRST.get(position.state, "")
    if position.run is not None and position.run.error:
        first = f"mend why `{position.run.begun or position.run.command}` failed, as it is said above"
    if position.state in WITH_WAY_BACK:
        return NextStep(todo, first, back="handover resume --back")
    back = f"handover evolve rollback {name} --apply --because REASON" if position.state in FIRST else ""
    return NextStep(todo, first, back=back)


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
        "next": None if position.state in AT_REST else _next(name, position).as_json(),
    }


def evolutions_under_way(entries: Sequence[JournalEntry]) -> list[str]:
    """Return the evolutions of which a command was begun and has not ended."""
    return [name for name in begun_evolutions(entries) if evolution_position(entries, name).run is not None]


def evolution_conflicts(entries: Sequence[JournalEntry]) -> list[str]:
    """Return how entries of evolutions contradict each other; empty when they do not."""
    found = (evolution_position(entries, name).conflict for name in begun_evolutions(entries))
    return [conflict for conflict in found if conflict]

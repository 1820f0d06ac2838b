"""How far each evolution is, by the journal, and the plan that it follows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handover.errors import Refused
from handover.evolve.statement import EvolutionPlan
from handover.evolve.states import AT_REST, START
from handover.journal.entry import STREAM, JournalEntry
from handover.runs.position import CommandRun, StreamPosition, fold

PREFIX = "evolve/"


def stream_of(name: str) -> str:
    """Return the stream of an evolution's entries."""
    return f"{PREFIX}{name}"


def evolution_position(entries: Iterable[JournalEntry], name: str) -> StreamPosition:
    """Return how far an evolution is."""
    return fold(StreamPosition(), entries, stream_of(name))


def newest_run(entries: Sequence[JournalEntry], name: str) -> CommandRun | None:
    """Return an evolution's newest command as if it had not ended; None before any, or when a person said the state."""
    stream = stream_of(name)
    runs = [e.body["run"] for e in entries if e.kind == "run" and e.body.get(STREAM) == stream]
    if not runs:
        return None
    return evolution_position((e for e in entries if not (e.kind == "ended" and e.body["run"] == runs[-1])), name).run


def begun_evolutions(entries: Iterable[JournalEntry]) -> list[str]:
    """Return the names of the evolutions that the journal knows, in the order in which they began."""
    streams = (str(entry.body.get(STREAM, "")) for entry in entries)
    return [name.removeprefix(PREFIX) for name in dict.fromkeys(streams) if name.startswith(PREFIX)]


@dataclass(frozen=True)
class CurrentEvolution:
    """The evolution that has begun and not ended: its name, how far it is, and its plan."""

    name: str
    position: StreamPosition
    plan: EvolutionPlan


def current_evolution(entries: Sequence[JournalEntry]) -> CurrentEvolution | None:
    """Return the evolution that is neither at its end nor rolled back, or None."""
    for name in begun_evolutions(entries):
        position = evolution_position(entries, name)
        if position.state not in AT_REST:
            return CurrentEvolution(name, position, plan_of(entries, name))
    return None


def plan_of(entries: Sequence[JournalEntry], name: str) -> EvolutionPlan:
    """Return the plan that the newest start of an evolution wrote into the journal.

    Raises
    ------
    Refused
        It never started, or the plan there is not as it was written.
    """
    start = start_entry(entries, name)
    kept = start.body["facts"]["plan"]
    plan = EvolutionPlan.from_json(kept)
    if plan.checksum != kept["checksum"]:
        message = f"the plan of {name} in the journal is not as it was written, so nothing was done."
        raise Refused(f"{message} Find out who changed it, or whether an older version reads it.", code="HO640")
    return plan


def start_entry(entries: Sequence[JournalEntry], name: str) -> JournalEntry:
    """Return the entry of an evolution's newest start.

    Raises
    ------
    Refused
        It never started.
    """
    stream = stream_of(name)
    mine = (entry for entry in reversed(entries) if entry.kind == "run" and entry.body.get(STREAM) == stream)
    found = next((entry for entry in mine if entry.body["command"] == START), None)
    if found is None:
        raise Refused(f"{name} has not started. Start it: handover evolve start {name}", code="HO640")
    return found

"""The chapter on Phase 2: each evolution with its operations, its steps, what they cost users, and the way back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handover.config.config import Config
from handover.errors import HandoverError
from handover.evolve.evolution import Evolution, evolution_named
from handover.evolve.position import begun_evolutions, evolution_position, stream_of
from handover.evolve.states import describe
from handover.journal.entry import JournalEntry
from handover.report.watched import Watched
from handover.runs.position import of_stream
from handover.side import Side
from handover.wording import counted

LATENCY = "latency_p95_ms"
WAYS_BACK = {
    "none": "Nothing has been changed.",
    "rolled_back": "It was rolled back: nothing of it is left.",
    "rolling_back": "It is on the way back; what was written since is kept.",
    "contracting": "None: the old shape is being dropped.",
    "contracted": "None but a backup: the old shape was dropped.",
}
BACK = "handover evolve rollback {}: one transaction; what was written since is kept."


@dataclass(frozen=True)
class EvolvedStep:
    """One step that was done or failed; ``rows`` were filled by it, ``locked_ms`` is how long it held strong locks."""

    at: datetime
    command: str
    step: str
    seconds: float | None
    rows: int | None
    locked_ms: float | None
    attempts: int | None
    error: str


@dataclass(frozen=True)
class EvolutionChapter:
    """One evolution, as the journal tells it.

    Attributes
    ----------
    name, title, operations
        What it is; the operations are empty when its file is not here.
    state, text, since, todo
        How far it is, and the command to type next.
    way_back
        What leads back from there.
    steps
        In their order.
    rows, longest_lock_ms
        How many rows were filled, and how long the longest strong lock was held; None: none was.
    worst_client
        What users felt meanwhile, as the watch saw it.
    conflict
        How entries of the journal contradict each other; empty when they do not.
    """

    name: str
    title: str
    operations: tuple[str, ...]
    state: str
    text: str
    since: datetime | None
    todo: str
    way_back: str
    steps: tuple[EvolvedStep, ...]
    rows: int | None
    longest_lock_ms: float | None
    worst_client: str
    conflict: str


def chapters(config: Config, entries: Sequence[JournalEntry], watched: Watched) -> list[EvolutionChapter]:
    """Return a chapter for each evolution that the journal knows, in the order in which they began.

    Parameters
    ----------
    config, entries
        The pair, and every entry of its journal.
    watched
        What the watch saw.
    """
    return [_chapter(config, entries, watched, name) for name in begun_evolutions(entries)]


def _chapter(config: Config, entries: Sequence[JournalEntry], watched: Watched, name: str) -> EvolutionChapter:
    position = evolution_position(entries, name)
    text, todo = describe(position.state, name)
    mine = list(of_stream(entries, stream_of(name)))
    steps = tuple(_steps(mine))
    declared = _declared(config, name)
    locks = [step.locked_ms for step in steps if step.locked_ms is not None]
    filled = [step.rows for step in steps if step.rows is not None]
    return EvolutionChapter(
        name=name,
        title=declared.title if declared else "",
        operations=tuple(_operations(declared)) if declared else (),
        state=position.state,
        text=text,
        since=position.since,
        todo=todo,
        way_back=WAYS_BACK.get(position.state, BACK.format(name)),
        steps=steps,
        rows=sum(filled) if filled else None,
        longest_lock_ms=max(locks, default=None),
        worst_client=_worst_client(watched, mine, ended=position.state in ("contracted", "rolled_back")),
        conflict=position.conflict,
    )


def _declared(config: Config, name: str) -> Evolution | None:
    """Return its file, or None: it may be removed when the evolution is at its end."""
    try:
        return evolution_named(config, name)
    except HandoverError:
        return None


def _operations(evolution: Evolution) -> Iterator[str]:
    for operation in evolution.operations:
        column = getattr(operation, "column", None) or getattr(operation, "name", None)
        yield f"{operation.kind.replace('_', ' ')}: {operation.table}{f'.{column}' if column else ''}"


def _steps(entries: Sequence[JournalEntry]) -> Iterator[EvolvedStep]:
    commands: dict[str, str] = {}
    for entry in entries:
        body = entry.body
        if entry.kind == "run":
            commands[body["run"]] = body["command"].removeprefix("evolve ")
        if entry.kind == "action" and body["phase"] in ("done", "failed"):
            yield _step(entry, commands.get(body["run"], "a command"))


def _step(entry: JournalEntry, command: str) -> EvolvedStep:
    body = entry.body
    evidence: dict[str, Any] = dict(body.get("evidence", {}))
    return EvolvedStep(
        at=entry.at,
        command=command,
        step=body["action"].removeprefix(f"{command}: "),
        seconds=body.get("seconds"),
        rows=evidence.get("rows") if "passes" in evidence else None,
        locked_ms=evidence.get("locked_ms"),
        attempts=evidence.get("attempts"),
        error=body.get("error", ""),
    )


def _worst_client(watched: Watched, entries: Sequence[JournalEntry], *, ended: bool) -> str:
    """Return the slowest window of either system while the evolution went on."""
    if not entries:
        return "not measured"
    since, until = entries[0].at, entries[-1].at
    during = [
        window
        for window in watched.windows
        if window.metric == LATENCY
        and window.value is not None
        and window.end >= since
        and not (ended and window.start > until)
    ]
    if not during:
        return "not watched: run handover watch meanwhile"
    worst = max(during, key=lambda window: window.value or 0.0)
    system = worst.system if worst.system in tuple(Side) else "both"
    return f"{worst.value:.0f} ms (95 of 100 answers of {system}, {counted(len(during), 'window')})"

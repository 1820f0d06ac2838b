"""How far the handover is, in words: the state, what is under way, who holds the lease, what people reach."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from handover.config.config import Config
from handover.cutover import read_only
from handover.cutover.next_step import NextStep, circumstances, next_step
from handover.cutover.position import Position, position_of
from handover.cutover.states import DESCRIPTIONS, allowed
from handover.cutover.watch_health import WatchHealth, watch_health
from handover.cutover.ways.chosen import chosen_way
from handover.errors import HandoverError
from handover.journal.entry import JournalEntry
from handover.journal.journal import Journal, JournalError
from handover.journal.lease import LeaseHolder, holder
from handover.journal.processes import RunningProcess, running
from handover.journal.seal import SealState, said_of
from handover.side import Side
from handover.wording import counted


@dataclass(frozen=True)
class Status:
    """What `handover status` tells.

    Attributes
    ----------
    position
        How far the handover is, by the journal.
    people
        What the way says: ``original``, ``backend``, or in words why it is neither.
    agrees
        Whether the name servers, or the balancers, say what the journal says; None when they could not be asked.
    answers
        What each of them answers, a line each.
    trouble
        Why the journal's database was not read; empty when it was.
    late
        How many entries only the copy has.
    holder
        Which command holds the lease; None when the lease is free.
    processes
        Running processes of the toolkit on this machine.
    entries
        All entries of the journal, of every stream.
    seals
        What the seals of the entries in the database say.
    lost
        How many entries the database had, and has no more.
    next_step
        The next step that works.
    read_only
        What is to be said of read-only mode; empty when it is off.
    health
        How the watch is.
    """

    position: Position
    people: str
    agrees: bool | None
    answers: tuple[str, ...]
    trouble: str
    late: int
    holder: LeaseHolder | None
    processes: tuple[RunningProcess, ...]
    entries: tuple[JournalEntry, ...] = ()
    seals: SealState = SealState()  # noqa: RUF009 - it is frozen
    lost: int = 0
    next_step: NextStep = NextStep("handover status")  # noqa: RUF009 - it is frozen
    read_only: str = ""
    health: WatchHealth = field(default_factory=WatchHealth)


def read_status(config: Config, journal: Journal) -> Status:
    """Return how far the handover is; changes nothing."""
    entries = journal.entries()
    position = position_of(entries)
    late = journal.only_in_copy()
    who = None
    with suppress(JournalError):
        who = holder(journal.connection())
    # Before the name servers are asked, which may take long: the lease and the processes are of one moment.
    here = tuple(running(config.root))
    people, agrees, answers = people_reach(config, position)
    health = watch_health(config, journal, entries)
    return Status(
        position,
        people,
        agrees,
        answers,
        journal.trouble,
        len(late),
        who,
        here,
        tuple(entries),
        journal.seals,
        0 if journal.trouble else sum(1 for entry in late if entry.seq is not None),
        next_step(config, position, circumstances(journal, who, here, agrees=agrees, health=health)),
        _read_only(config, position, entries),
        health,
    )


def _read_only(config: Config, position: Position, entries: list[JournalEntry]) -> str:
    reach_original = DESCRIPTIONS[position.state].people_reach is Side.ORIGINAL and position.run is None
    return read_only.status_line(config, read_only.is_on(config, entries), people_reach_original=reach_original)


def people_reach(config: Config, position: Position) -> tuple[str, bool | None, tuple[str, ...]]:
    """Return which system people reach, whether the journal says the same, and what each name server or balancer says.

    Parameters
    ----------
    config, position
        The pair, and how far the move is.

    Returns
    -------
    tuple
        As ``people``, ``agrees`` and ``answers`` of :class:`Status`.
    """
    way = chosen_way(config)
    try:
        reach = way.reach()
        expected = position.record or _expected(position, {side: way.values(side) for side in Side})
    except HandoverError as error:
        return f"unknown: {str(error).rstrip('.')}", None, ()
    agrees = None if None in reach.held else all(values in expected for values in reach.held)
    return reach.people, agrees, reach.answers


def _expected(position: Position, sides: dict[Side, tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    side = DESCRIPTIONS[position.state].people_reach
    return tuple(sides.values()) if side == "either" else (sides[side],)


def status_lines(found: Status) -> list[str]:
    """Return a status for people."""
    position = found.position
    description = DESCRIPTIONS[position.state]
    since = f" since {position.since:%F %T %Z}" if position.since else ""
    result = [f"State: {position.state}{since}: {description.text}."]
    result += _paused(position) + _under_way(position) + _dns(found)
    result += [found.read_only] if found.read_only else []
    if found.trouble:
        result.append(
            f"The journal's database is not read: {found.trouble.rstrip('.')}. This is the copy of this machine."
        )
        result.append(
            "  Without it: handover rollback --apply --copy-alone sends people to the original; nothing else."
        )
    result += _entries(found)
    if position.conflict:
        result.append(f"Journal entries contradict each other: {position.conflict}.")
    result += found.health.lines()
    result.append(f"Lease: {found.holder or 'free'}.")
    result += [f"Running here: `{one.command}` of {one.who}, pid {one.pid}." for one in found.processes]
    result.append(f"Allowed now: {', '.join(allowed(position.state)) or 'nothing'}.")
    result.append(f"Next: {found.next_step}")
    return result


def _entries(found: Status) -> list[str]:
    """Return what is to be said of entries: which are not signed, not compared, or not in the database."""
    result = []
    if found.seals.older:
        number = counted(found.seals.older, "entry", "entries")
        result.append(
            f"{number} of an older version are not signed: whether they are as they were written is not known."
        )
    if trouble := said_of(found.seals):
        result.append(f"HO512  {trouble}")
    if found.lost:
        number = counted(found.lost, "entry", "entries")
        result.append(f"{number} that the database had are gone there: it was restored, or they were removed by hand.")
    if found.late:
        number = counted(found.late, "entry", "entries")
        result.append(f"{number} only in the copy; the next command that acts brings them to the database.")
    return result


def _paused(position: Position) -> list[str]:
    if not position.paused:
        return []
    by = position.paused
    return [f"Paused by {by.who} on {by.machine} since {by.at:%F %T %Z}: {by.body.get('because') or 'no reason'}."]


def _under_way(position: Position) -> list[str]:
    run = position.run
    if run is None:
        return []
    done = f"{len(run.done)} of {len(run.actions)} actions are done"
    result = [f"Under way: {run.command}; {done}{': ' + ', '.join(run.done) if run.done else ''}."]
    if run.error:
        result.append(f"  `{run.begun or run.command}` failed: {run.error}")
    elif run.begun:
        result.append(
            f"  `{run.begun}` was begun; the journal does not say whether it was done. Doing it again is safe."
        )
    return result


def _dns(found: Status) -> list[str]:
    said = {
        True: "as the journal says",
        False: "NOT as the journal says",
        None: "so the journal cannot be compared with it",
    }[found.agrees]
    expected = found.position.record
    between = " (a change is under way: either is possible)" if expected and len(set(expected)) > 1 else ""
    return [f"People reach: {found.people}; {said}{between}.", *(f"  {line}" for line in found.answers)]


def status_json(found: Status) -> dict[str, Any]:
    """Return a status for machines."""
    position = found.position
    return {
        "state": position.state,
        "since": position.since,
        "under_way": position.run.command if position.run else None,
        "begun": position.run.begun if position.run else None,
        "done": list(position.run.done) if position.run else [],
        "paused": bool(position.paused),
        "people_reach": found.people,
        "dns_as_journal": found.agrees,
        "database": not found.trouble,
        "only_in_copy": found.late,
        "lease": str(found.holder or ""),
        "conflict": position.conflict,
        "read_only": found.read_only,
        "not_signed": found.seals.older,
        "not_compared": said_of(found.seals),
        "lost_in_database": found.lost,
        "next": found.next_step.as_json(),
        "watch": found.health.as_json(),
    }

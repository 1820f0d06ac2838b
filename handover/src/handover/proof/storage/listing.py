"""Listings of a storage against rows that name files: every file needs a row, every row its file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from handover.config.storage import NamedBy
from handover.finding import Finding
from handover.probe.client import Probe
from handover.proof.storage.fields import FilePair
from handover.side import Side
from handover.wording import counted

EXAMPLES = 3


@dataclass(frozen=True)
class Listed:
    """A system's listing of a storage: the names, and how many requests it took."""

    names: frozenset[str]
    listings: int


def listed(pair: FilePair, side: Side, agent: Probe) -> Listed:
    """List a field's storage through a system.

    Parameters
    ----------
    pair
        The field.
    side, agent
        The system, and its agent.
    """
    names: list[str] = []
    answer: dict[str, Any] = {"done": False}
    while not answer["done"]:
        answer = agent.ask("store_list", first=not names, **pair.of(side))
        names += answer["names"]
    return Listed(frozenset(names), answer["listings"])


def both_listed(pair: FilePair, agents: Mapping[Side, Probe]) -> tuple[dict[Side, Listed], list[Finding]]:
    """List a storage through both systems; a difference counts if a second listing shows it again."""
    seen = {side: listed(pair, side, agents[side]) for side in Side}
    apart = seen[Side.ORIGINAL].names ^ seen[Side.BACKEND].names
    if apart:  # a file may have been saved or deleted between the two listings
        again = {side: listed(pair, side, agents[side]) for side in Side}
        apart &= again[Side.ORIGINAL].names ^ again[Side.BACKEND].names
        seen = {side: Listed(again[side].names, seen[side].listings + again[side].listings) for side in Side}
    if not apart:
        return seen, []
    only = {side: sorted(apart & seen[side].names) for side in Side}
    parts = [f"only the {side} lists {counted(len(n), 'file')} ({_some(n)})" for side, n in only.items() if n]
    todo = "Compare bucket, prefix and folder of the two storages."
    return seen, [
        Finding(
            code="HO368",
            where=pair.where,
            found=f"is listed differently: {' and '.join(parts)}",
            expected="",
            todo=todo,
            severity="breaking",
            hurts="both",
        )
    ]


def named(connection: Connection[Any], table: str, column: str, key: str | None = None) -> set[str]:
    """Return every name that a column holds, or one key of the JSON in it.

    Parameters
    ----------
    connection
        A session on the database.
    table, column
        The column; a dot in the table's name separates its schema.
    key
        The key in the JSON of the column; None if the column holds the names themselves.
    """
    value = sql.Identifier(column)
    text = sql.SQL("{} ->> {}").format(value, sql.Literal(key)) if key else sql.SQL("{}::text").format(value)
    query = sql.SQL("SELECT DISTINCT {0} FROM {1} WHERE {0} <> ''").format(text, sql.Identifier(*table.split(".")))
    with connection.cursor() as cursor:
        return {name for (name,) in cursor.execute(query)}


def of_rows(pair: FilePair, names: set[str], there: frozenset[str]) -> Iterator[Finding]:
    """Yield the rows that name a missing file.

    Parameters
    ----------
    pair
        The field.
    names, there
        The names in its rows, and the names that both systems list.
    """
    if lost := names - there:
        found = f"names {counted(len(lost), 'file')} of {len(names)} that the storage does not list ({_some(lost)})"
        todo = "Restore the files, or prove that both systems survive their absence and accept it in the contract."
        yield Finding(
            code="HO370", where=pair.where, found=found, expected="", todo=todo, severity="risky", hurts="both"
        )


def orphans(place: str, folders: Iterable[str], names: set[str], there: frozenset[str]) -> Iterator[Finding]:
    """Yield the files that no row names.

    Parameters
    ----------
    place, folders
        Place of the finding, and the folders in which every file needs a row.
    names, there
        The names in rows, and the names that both systems list.
    """
    chosen = tuple(folders)
    if lost := {name for name in there - names if chosen and name.startswith(chosen)}:
        found = f"holds {counted(len(lost), 'file')} that no row names ({_some(lost)})"
        todo = "Let the systems' own sweep remove them, name the column that knows them in [storage], or accept them."
        yield Finding(
            code="HO371",
            where=place,
            found=found,
            expected=f"below {', '.join(map(repr, chosen))}",
            todo=todo,
            severity="risky",
            hurts="both",
        )


def also_named(connection: Connection[Any], columns: Iterable[NamedBy]) -> set[str]:
    """Return what other columns name."""
    return {name for one in columns for name in named(connection, one.table, one.column, one.key)}


def remove_all(pairs: Iterable[FilePair], agents: Mapping[Side, Probe], run: str) -> None:
    """Remove every file whose name holds the name of a run, as far as a listing of either system shows it.

    Parameters
    ----------
    pairs
        The fields whose storages are listed.
    agents
        The agent of each system.
    run
        The name of the run.
    """
    for pair in pairs:
        for side in Side:
            left = sorted(name for name in listed(pair, side, agents[side]).names if run in name)
            if left:
                agents[side].ask("store_delete", names=left, **pair.of(side))


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:EXAMPLES])

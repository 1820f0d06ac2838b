"""Do the files that rows name exist, and do both systems find the same ones?"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from psycopg import Connection, sql

from handover.census.keys import shown
from handover.finding import Finding
from handover.probe.client import Probe
from handover.schema.models import Field, Model
from handover.schema.subject import Pair
from handover.side import Side
from handover.wording import counted

BATCH = 200
MOST = 10_000
EXAMPLES = 3


def look_for_files(
    connection: Connection[Any], pair: Pair, probes: Mapping[Side, Probe], *, left_s: Callable[[], float]
) -> Iterator[Finding]:
    """Ask both systems for the files of each file field, as many as the time allows."""
    for one, other, where in pair.fields():
        if one.upload_to is None or other.upload_to is None:
            continue
        fields = {"original": (pair.original, one), "backend": (pair.backend, other)}
        rows = _rows(connection, pair, one.column)
        total, rows = (f"more than {MOST}", rows[:MOST]) if len(rows) > MOST else (str(len(rows)), rows)
        nowhere: list[str] = []
        differing: dict[Side, list[str]] = {side: [] for side in Side}
        asked = 0
        # The first batch is asked for in any case: nothing would be said about the files otherwise.
        while asked < len(rows) and (asked == 0 or left_s() > 0):
            batch = rows[asked : asked + BATCH]
            asked += len(batch)
            found = {name: _exist(probes[name], *fields[name], batch) for name in probes}
            for index, (key, _) in enumerate(batch):
                there = {name: answers[index] is True for name, answers in found.items()}
                if not any(there.values()):
                    nowhere.append(key)
                elif not all(there.values()):
                    differing[next(side for side in Side if not there[side])].append(key)
        yield from _findings(where, nowhere, differing)
        if str(asked) != total:
            expected = f"only {asked} were looked for"
            todo = "Give the census more time (--census-seconds), or accept the sample in the contract."
            found_ = f"names {total} files"
            yield Finding(
                code="HO241", where=where, found=found_, expected=expected, todo=todo, severity="unseen", hurts="both"
            )


def _findings(where: str, nowhere: list[str], differing: Mapping[Side, list[str]]) -> Iterator[Finding]:
    if nowhere:
        found = f"names {counted(len(nowhere), 'file')} that neither system finds (for example {_some(nowhere)})"
        todo = "Restore the files, or prove that both systems survive their absence."
        yield Finding(
            code="HO224",
            where=where,
            found=found,
            expected="opening one raises an error",
            todo=todo,
            severity="risky",
            hurts="both",
        )
    for name, keys in differing.items():
        if keys:
            found = f"names {counted(len(keys), 'file')} that the {name} does not find (for example {_some(keys)})"
            expected = "the other system does"
            todo = "The two storages are not the same place; make them so."
            yield Finding(
                code="HO233", where=where, found=found, expected=expected, todo=todo, severity="breaking", hurts=name
            )


def _some(keys: list[str]) -> str:
    return ", ".join(sorted(keys)[:EXAMPLES])


def _rows(connection: Connection[Any], pair: Pair, column: str) -> list[tuple[str, str]]:
    """Return key and name of rows that name a file; an absolute path is a finding of its own."""
    query = sql.SQL("SELECT {0}, t.{1} FROM {2} AS t WHERE t.{1} <> '' AND t.{1} !~ {3} LIMIT {4}")
    absolute = sql.Literal(r"^([/\\]|[A-Za-z]:)")
    composed = query.format(shown(pair), sql.Identifier(column), sql.Identifier(*pair.table.key), absolute, MOST + 1)
    return [(str(k), str(name)) for k, name in connection.execute(composed)]


def _exist(probe: Probe, model: Model, field: Field, rows: list[tuple[str, str]]) -> list[bool | str]:
    names = [name for _, name in rows]
    return list(probe.ask("files", model=model.label, field=field.name, names=names)["found"])

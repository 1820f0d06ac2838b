"""Do the files that rows name exist, and do both systems find the same ones?"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from psycopg import Connection, sql

from handover.census.coverage import sampled
from handover.census.keys import shown
from handover.census.paths import ABSOLUTE
from handover.codes.code import Source, finds
from handover.finding import Finding, Observation
from handover.probe.client import Probe
from handover.schema.models import Field, Model
from handover.schema.subject import Pair
from handover.side import Side
from handover.wording import counted

BATCH = 200
MOST = 10_000
EXAMPLES = 3


def find_files(
    connection: Connection[Any], pair: Pair, probes: Mapping[Side, Probe], *, left_s: Callable[[], float]
) -> Iterator[Finding]:
    """Ask both systems for the files of each file field, as many as the time allows.

    Parameters
    ----------
    connection
        In a read-only snapshot.
    pair
        The two models of a table.
    probes
        The interpreter of each system.
    left_s
        Returns how many seconds are left.
    """
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
        yield from missing_files(where, nowhere)
        yield from apart(where, differing)
        if str(asked) != total:
            yield from sampled(where, f"names {total} files", f"only {asked} were looked for")


@finds("HO224", Source.CENSUS, "rows", counts="rows among words")
def missing_files(where: str, keys: list[str]) -> Iterator[Observation]:
    """Every file that a row names is there.

    What is wrong
    -------------
    Rows name files, and neither system's storage finds them.

    Why it hurts
    ------------
    Opening such a file raises an error in both systems. After the switch people will take old losses for new ones.

    Example
    -------
    `library_recordings.path` names `recordings/gone.mp3`, which was deleted from the bucket by hand.

    Mend
    ----
    Restore the files from a backup, or show that both systems survive their absence and accept it.

    ```console
    $ handover contract accept HO224 library_recordings.path --because "both systems show the row without a recording"
    ```
    """
    if keys:
        yield Observation(
            where=where,
            found=f"names {counted(len(keys), 'file')} that neither system finds (for example {_some(keys)})",
            expected="opening one raises an error",
            todo="Restore the files, or prove that both systems survive their absence.",
            severity="risky",
            hurts="both",
        )


@finds("HO233", Source.CENSUS, "rows", counts="rows among words")
def apart(where: str, keys_by_side: Mapping[Side, list[str]]) -> Iterator[Observation]:
    """Both systems find the same files.

    What is wrong
    -------------
    Rows name files that one system's storage finds and the other's does not.

    Why it hurts
    ------------
    The two storages are not the same place. After the switch, or after the way back, files are missing.

    Example
    -------
    The original writes to `/srv/media`, the backend's container has a `/srv/media` of its own.

    Mend
    ----
    Give both systems the same folder or bucket, and the same prefix in it. See also HO200.

    ```python
    GS_BUCKET_NAME = "media"
    GS_LOCATION = "recordings"
    ```
    """
    for name, keys in keys_by_side.items():
        if keys:
            yield Observation(
                where=where,
                found=f"names {counted(len(keys), 'file')} that the {name} does not find (for example {_some(keys)})",
                expected="the other system does",
                todo="The two storages are not the same place; make them so.",
                severity="breaking",
                hurts=name,
            )


def _some(keys: list[str]) -> str:
    return ", ".join(sorted(keys)[:EXAMPLES])


def _rows(connection: Connection[Any], pair: Pair, column: str) -> list[tuple[str, str]]:
    """Return key and name of rows that name a file; an absolute path is a finding of its own."""
    query = sql.SQL("SELECT {0}, t.{1} FROM {2} AS t WHERE t.{1} <> '' AND t.{1} !~ {3} LIMIT {4}")
    absolute = sql.Literal(ABSOLUTE)
    composed = query.format(shown(pair), sql.Identifier(column), sql.Identifier(*pair.table.key), absolute, MOST + 1)
    return [(str(k), str(name)) for k, name in connection.execute(composed)]


def _exist(probe: Probe, model: Model, field: Field, rows: list[tuple[str, str]]) -> list[bool | str]:
    names = [name for _, name in rows]
    return list(probe.ask("files", model=model.label, field=field.name, names=names)["found"])

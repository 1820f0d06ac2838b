"""After the kills: every acknowledged row is there with both values right, and nothing is left that must be gone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import Connection

from handover.evolve.position import stream_of
from handover_testing.evolving import Evolving, differences
from sandbox.postgres import Database
from tests.evolving.tables import EVOLUTION_NAME
from tests.evolving.writers import NEW_WORDS, TaskLedger, TaskState, new_id

PAIRS = ("task_id", "status", "progress")
KEYS = """
    SELECT conname::text, convalidated FROM pg_constraint
     WHERE contype = 'f' AND conrelid = 'task_steps'::regclass AND confrelid = 'choreography_tasks'::regclass
"""
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
ENTRIES = "SELECT kind, body FROM handover.journal WHERE body ->> 'stream' = %s ORDER BY seq"
ROLES = """
    SELECT rolname::text, setting FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
     CROSS JOIN unnest(setconfig) AS setting ORDER BY 1, 2
"""


@dataclass
class Deviations:
    """What is not as it must be, one line each."""

    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return all of them."""
        return [f"{kind}: {line}" for kind, lines in vars(self).items() for line in lines]


def catalog(database: Database, folder: Path) -> dict[str, list[Any]]:
    """Return what the catalog says about the tables, and the settings of roles."""
    evolving = Evolving(folder, database)
    try:
        return evolving.everything() | {"settings of roles": evolving.execute(ROLES)}
    finally:
        evolving.close()


def audit(
    connection: Connection[Any], ledger: TaskLedger, now: dict[str, list[Any]], expected: dict[str, list[Any]]
) -> Deviations:
    """Return what deviates once an evolution is at rest and no one writes.

    Parameters
    ----------
    connection
        As the owner of the tables.
    ledger
        What was acknowledged.
    now, expected
        The catalog, and the one that it must equal.
    """
    found = Deviations()
    audit_rows(connection, ledger, found)
    for part, (more, missing) in differences(now, expected).items():
        found.left += [f"{part}: {row} is there" for row in more] + [f"{part}: {row} is missing" for row in missing]
    found.left += [f"the index {name} is invalid" for (name,) in connection.execute(INVALID)]
    keys = connection.execute(KEYS).fetchall()
    if keys != [("task_steps_task_id_fk", True)]:
        found.wrong.append(f"foreign keys of task_steps: {keys}")
    found.unexplained += unexplained(connection)
    return found


def audit_rows(connection: Connection[Any], ledger: TaskLedger, found: Deviations) -> None:
    """Compare every row with the ledger, in each shape that is there, and the shapes with each other."""
    for is_new, columns in _shapes(connection).items():
        steps = _steps(connection, columns["task_id"])
        rows = {row[0]: row[1:] for row in connection.execute(_select(columns).encode())}
        for key, allowed in ledger.tasks.items():
            name = str(new_id(key)) if is_new else key
            row, number = rows.pop(name, None), steps.pop(name, 0)
            _compare(found, f"{columns['task_id']} {name}", row, number, allowed, is_new=is_new)
        found.wrong += [f"{columns['task_id']} {name}: no one wrote that task" for name in rows]
        found.wrong += [f"{columns['task_id']} {name}: {n} steps without their task" for name, n in steps.items()]


def _compare(
    found: Deviations, name: str, row: Any, steps: int, allowed: set[TaskState | None], *, is_new: bool
) -> None:
    states = {_shown(state, is_new=is_new) for state in allowed}
    seen = (*row, steps) if row else None
    if seen is None and None not in states:
        found.lost.append(f"{name}: the row is gone; acknowledged was {sorted(map(str, states))}")
    elif seen not in states:
        found.wrong.append(f"{name}: it is {seen}; acknowledged was {sorted(map(str, states))}")


def _shown(state: TaskState | None, *, is_new: bool) -> tuple[str, int, int] | None:
    """Return a task as a shape shows it: the new one holds progress between 0 and 100."""
    if state is None:
        return None
    if not is_new:
        return (state.status, state.progress, state.steps)
    return (NEW_WORDS.get(state.status, state.status), min(state.progress, 100), state.steps)


def _shapes(connection: Connection[Any]) -> dict[bool, dict[str, str]]:
    """Return the columns of each shape that is there: of the old one (False) and of the new one (True)."""
    query = (
        "SELECT attname::text, atttypid::regtype::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    )
    types = dict(connection.execute(query, ["choreography_tasks"]).fetchall())
    if "task_id_v2" in types:
        return {False: {one: one for one in PAIRS}, True: {one: f"{one}_v2" for one in PAIRS}}
    if "task_id_v1" in types:
        return {False: {one: f"{one}_v1" for one in PAIRS}, True: {one: one for one in PAIRS}}
    return {types["task_id"] == "uuid": {one: one for one in PAIRS}}


def _select(columns: dict[str, str]) -> str:
    key, status, progress = (columns[one] for one in PAIRS)
    return f"SELECT {key}::text, {status}, {progress} FROM choreography_tasks"  # noqa: S608 - names of this module


def _steps(connection: Connection[Any], column: str) -> Counter[str]:
    query = f"SELECT {column}::text, count(*) FROM task_steps GROUP BY 1"  # noqa: S608 - a name of this module
    return Counter(dict(connection.execute(query.encode()).fetchall()))


def unexplained(connection: Connection[Any]) -> Iterator[str]:
    """Yield what the journal leaves open: a run that neither ended nor was followed by another, an action half done."""
    runs: dict[str, str] = {}
    actions: dict[tuple[str, str], str] = {}
    last = ""
    for kind, body in connection.execute(ENTRIES, [stream_of(EVOLUTION_NAME)]):
        if kind == "run":
            runs[body["run"]], last = body["command"], body["run"]
        elif kind == "action":
            actions[body["run"], body["action"]] = body["phase"]
        elif kind == "ended":
            runs.pop(body["run"], None)
    if last in runs:
        yield f"{runs[last]} began and did not end"
    for (run, action), phase in actions.items():
        if run == last and phase != "done":
            yield f"{action} is {phase}, and nothing follows"

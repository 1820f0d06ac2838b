"""Points at which ``handover evolve`` waits in the database until it is let go: a kill hits it exactly there."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection

from sandbox.postgres import Database

LOCK = 0x65766F6C  # "evol"
WITHIN_S = 120.0
LOOK_EVERY_S = 0.005
# The tool itself knows nothing of these: they stand in the tables of its journal, and before and after each DDL.
INSTALL = """
CREATE SCHEMA crash;
GRANT USAGE ON SCHEMA crash TO PUBLIC;
CREATE TABLE crash.places (what text, filled int);
GRANT SELECT ON crash.places TO PUBLIC;
CREATE FUNCTION crash.hold(happens text, rows int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('application_name') LIKE 'handover%'
        AND EXISTS (SELECT FROM crash.places WHERE what = happens AND rows >= filled) THEN
        PERFORM pg_advisory_xact_lock_shared({lock});
    END IF;
END $$;
CREATE FUNCTION crash.ddl_begins() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM crash.hold('before ' || current_query(), 0); END $$;
CREATE FUNCTION crash.ddl_ends() RETURNS event_trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM crash.hold('after ' || current_query(), 0); END $$;
CREATE EVENT TRIGGER crash_begins ON ddl_command_start EXECUTE FUNCTION crash.ddl_begins();
CREATE EVENT TRIGGER crash_ends ON ddl_command_end EXECUTE FUNCTION crash.ddl_ends();
CREATE FUNCTION crash.marks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM crash.hold(CASE WHEN NEW.done_at IS NULL THEN 'batch of ' ELSE 'mark of ' END || NEW.step,
                       coalesce((NEW.cursor ->> 'filled')::int, 0));
    RETURN NEW;
END $$;
CREATE TRIGGER crash_marks BEFORE INSERT OR UPDATE ON handover.evolution_steps
    FOR EACH ROW EXECUTE FUNCTION crash.marks();
CREATE FUNCTION crash.entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM crash.hold('entry ' || concat_ws(' ', NEW.kind, NEW.body ->> 'phase', NEW.body ->> 'action'), 0);
    RETURN NEW;
END $$;
CREATE TRIGGER crash_entries BEFORE INSERT ON handover.journal FOR EACH ROW EXECUTE FUNCTION crash.entries();
""".replace("{lock}", str(LOCK))
WAITS = """
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY pid LIMIT 1
"""
# What is held in the second place, and how it is known that the tool waits there.
BLOCKS = {
    "writers": ("LOCK TABLE {table} IN ROW EXCLUSIVE MODE", "waiting for writers before build"),
    "snapshots": ("SELECT pg_current_snapshot()", "waiting for old snapshots"),
    "table": ("LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE", ""),
}
BUILDS = "SELECT 1 FROM pg_stat_progress_create_index WHERE pid = %s AND phase LIKE %s || '%%'"
LOCKED_OUT = "SELECT 1 FROM pg_locks WHERE pid = %s AND NOT granted AND locktype = 'relation' AND %s = ''"
ALIVE = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
NO_EVENT = ("LOCK ", "ALTER ROLE ", "SELECT ", "UPDATE ")


@dataclass(frozen=True)
class KillPoint:
    """A point in a command.

    Attributes
    ----------
    stage
        What goes on there, for the figures.
    what
        What happens there, in the words of the functions above.
    filled
        For a batch: how many rows are filled at least.
    then, table
        Let it go from there, and stop it in the middle of the statement: while it waits for writers or snapshots
        (CREATE INDEX CONCURRENTLY), or for the lock on its table.
    """

    stage: str
    what: str
    filled: int = 0
    then: str = ""
    table: str = ""

    @property
    def in_journal(self) -> bool:
        """Whether it is the journal's session that waits."""
        return self.what.startswith("entry ")


def points_of(plan: dict[str, Any], parts: tuple[str, ...], rows: int) -> list[KillPoint]:
    """Return the points of some parts of a plan, as ``handover evolve plan --json`` prints it."""
    return [point for part in parts for step in plan[part] for point in _points(part, step, rows)]


def _points(part: str, step: dict[str, Any], rows: int) -> Iterator[KillPoint]:
    action, stage = f"{part}: {step['name']}", _stage(part, step)
    yield KillPoint(stage, f"entry action begun {action}")
    yield KillPoint(stage, f"entry action done {action}")
    yield KillPoint(stage, f"mark of {action}")
    if step["work"] == "backfill":
        yield from (KillPoint(stage, f"batch of {action}", filled=rows * tenth // 10) for tenth in range(0, 10, 2))
        return
    for statement in step["statements"]:
        sql, table = statement["sql"], statement["table"]
        if step["work"] or sql.startswith(NO_EVENT):
            continue
        yield KillPoint(stage, f"before {sql}")
        yield KillPoint(stage, f"after {sql}")
        if sql.startswith("CREATE") and "INDEX CONCURRENTLY" in sql:
            yield from (KillPoint(stage, f"before {sql}", then=then, table=table) for then in ("writers", "snapshots"))
        if "VALIDATE CONSTRAINT" in sql:
            yield KillPoint(stage, f"before {sql}", then="table", table=table)


def _stage(part: str, step: dict[str, Any]) -> str:
    """Return the kind of step, for the figures."""
    texts = " ".join(statement["sql"] for statement in step["statements"])
    if step["work"]:
        return f"{part}, {step['work']}"
    for words, name in (
        ("CREATE INDEX CONCURRENTLY", "concurrent index"),
        ("CREATE UNIQUE INDEX CONCURRENTLY", "concurrent index"),
        ("VALIDATE CONSTRAINT", "validate constraint"),
    ):
        if words in texts:
            return f"{part}, {name}"
    return part


def install(database: Database) -> None:
    """Make the points; nothing waits there yet."""
    with database.server.connect(database.name) as session:
        session.execute(INSTALL)


class EvolveHold:
    """One point at which the tool waits, from the entry on until it is let go."""

    def __init__(self, database: Database, point: KillPoint) -> None:
        self._database, self._point = database, point
        self._stack = ExitStack()
        self.pid = 0

    def __enter__(self) -> "EvolveHold":
        self._session = self._open()
        self._session.execute("DELETE FROM crash.places")
        self._session.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        self._session.execute("INSERT INTO crash.places VALUES (%s, %s)", [self._point.what, self._point.filled])
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(psycopg.OperationalError):  # the server was killed, and its locks are gone
            self._session.execute("DELETE FROM crash.places")
        self._stack.close()

    def _open(self) -> Connection[Any]:
        session = self._database.server.connect(self._database.name)
        # Its commits wait for no disk: they would bring there what the tool has committed.
        session.execute("SET application_name = 'crash: hold'; SET synchronous_commit = off")
        self._stack.callback(session.close)
        return session

    def is_reached(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait until the tool waits there; False when it ended without coming there."""
        found = until(lambda: self._session.execute(WAITS, [LOCK]).fetchone(), process)
        if not found:
            return False
        self.pid = int(found[0])
        self._session.execute("DELETE FROM crash.places")
        return not self._point.then or self._stopped_in_the_middle(process)

    def _stopped_in_the_middle(self, process: subprocess.Popen[bytes]) -> bool:
        sql, phase = BLOCKS[self._point.then]
        blocker = self._open()
        blocker.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        blocker.execute(sql.format(table=self._point.table).encode())
        self._session.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        query = BUILDS if phase else LOCKED_OUT
        return bool(until(lambda: self._session.execute(query, [self.pid, phase]).fetchone(), process))

    def until_cut(self) -> None:
        """Wait until the server has ended all sessions, this one too, because one of them was killed."""
        deadline = time.monotonic() + WITHIN_S
        with suppress(psycopg.OperationalError):
            while time.monotonic() < deadline:
                self._session.execute("SELECT 1")
                time.sleep(LOOK_EVERY_S)

    def until_gone(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the session of the killed tool is ended by another process, or that process ends."""
        until(lambda: not self._session.execute(ALIVE, [self.pid]).fetchone(), process)


def until(look: Callable[[], Any], process: subprocess.Popen[bytes]) -> Any:
    """Return the first thing that is seen; None when the process ended before."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        if found := look():
            return found
        if ended:
            return None
        time.sleep(LOOK_EVERY_S)
    raise TimeoutError(f"pid {process.pid} neither came to the point nor ended within {WITHIN_S:.0f} s")


@contextmanager
def held(database: Database, point: KillPoint | None) -> Iterator[EvolveHold | None]:
    """Hold a point while the block runs; None: no point."""
    if point is None:
        yield None
        return
    with EvolveHold(database, point) as hold:
        yield hold

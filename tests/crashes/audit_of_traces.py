"""What belongs to nothing: processes, sessions, locks, leases, calls, temporary files."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg

from sandbox.postgres import Database
from tests.crashes.deviations import Deviation, orphan
from tests.crashes.disk import files_in

SESSIONS = """
SELECT pid, regexp_replace(application_name, '^backend-phase. ', ''), state,
       coalesce(wait_event, ''), left(query, 60) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid
"""
# A worker reports every moment, in a transaction; the locks of that are no orphans.
LOCKS = """
SELECT l.pid, l.locktype, l.mode,
       coalesce(regexp_replace(a.application_name, '^backend-phase. ', ''), 'a prepared transaction')
FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
WHERE l.pid IS DISTINCT FROM pg_backend_pid() AND l.locktype IN ('advisory', 'transactionid', 'tuple')
  AND coalesce(a.xact_start, '-infinity') < clock_timestamp() - interval '1 second'
  AND (l.database IS NULL OR l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY 1, 2, 3
"""
CALLS = "SELECT id, status::text FROM backend.procrastinate_jobs WHERE status IN ('doing', 'todo') ORDER BY id"
LEASES = """
SELECT task_id, owner FROM backend.jobs WHERE token IS NOT NULL AND (outcome IS NOT NULL OR lease_expires_at < now())
ORDER BY task_id
"""
TEMPORARY = ("media/output/.drafts/*", "media/.upload-*", "media/**/*.part", "cache/*.part", "temporary/backend/*")


def audit_sessions(database: Database, living: set[str]) -> list[Deviation]:
    """Name sessions whose process is gone; ``living`` has the names of those that are not."""
    return [
        orphan(f"connection {pid} of {name!r}, which is gone: {state}, {wait}, {query}")
        for pid, name, state, wait, query in _rows(database, SESSIONS)
        if name not in living
    ]


def audit_locks(database: Database) -> list[Deviation]:
    """Name locks that are held while nothing happens."""
    return [orphan(f"{mode} on {kind} is held by {name} ({pid})") for pid, kind, mode, name in _rows(database, LOCKS)]


def audit_queue(database: Database) -> list[Deviation]:
    """Name calls that no worker finished, and leases that are over or of jobs that have ended."""
    calls = [orphan(f"call {number} of the queue is {status}") for number, status in _rows(database, CALLS)]
    return calls + [orphan(f"the lease of task {name} is held by {owner}") for name, owner in _rows(database, LEASES)]


def audit_temporary_files(place: Path) -> list[Deviation]:
    """Name what was written aside and stayed there."""
    found = sorted({path for pattern in TEMPORARY for path in files_in(place, pattern)})
    return [orphan(f"temporary file {path.relative_to(place)}") for path in found]


def audit_processes(place: Path, expected: Iterable[int]) -> list[Deviation]:
    """Name processes of this house, but for the expected ones and those below them."""
    ours = {pid: parent for pid, parent in processes() if belongs_to(pid, place)}
    known = set(expected)
    grown = True
    while grown:
        below = {pid for pid, parent in ours.items() if parent in known}
        grown = not below <= known
        known |= below
    return [
        orphan(f"process {pid}: {command_of(pid)}")
        for pid in sorted(ours.keys() - known - {os.getpid()})
        if command_of(pid)
    ]


def processes() -> Iterator[tuple[int, int]]:
    """Yield every process and its parent."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(folder.name), int(parent)


def belongs_to(pid: int, place: Path) -> bool:
    """Return whether its environment, its command or its folder names the place."""
    folder, name = Path(f"/proc/{pid}"), os.fsencode(f"{place}/")
    try:
        in_folder = os.fsencode((folder / "cwd").readlink()) + b"/"
        return any(name in text for text in ((folder / "environ").read_bytes(), command_line(pid), in_folder))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def command_line(pid: int) -> bytes:
    """Return the arguments of a process, with NULs between them."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def command_of(pid: int) -> str:
    """Return the command of a process; '' of one that is gone."""
    try:
        return command_line(pid).replace(b"\0", b" ").decode(errors="replace").strip()[:160]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _rows(database: Database, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database.server.url("postgres", database.name)) as session:
        return session.execute(query).fetchall()

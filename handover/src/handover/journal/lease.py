"""One operator at a time: a row that runs out by the database's clock, a lock of its session, and a lock of the folder.

The row names the holder and outlives a broken connection. The session's lock says whether a holder whose row ran out
is still connected. The folder's lock ends with the process, so the lease of a killed process is free at once.
"""

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import Connection

from handover.config.config import Config
from handover.errors import Refused
from handover.journal.entry import machine, operator
from handover.journal.journal import JournalError, connect
from handover.private_files import open_private, read_private
from handover.troubles import database_trouble

FOLDER_LOCK = Path(".handover/lease")
SESSION_LOCK = 0x6C65617365  # "lease"
NOTICE_WITHIN_S = 0.5
PAUSE_CHANNEL = "handover_pause"
_TAKE = """
    INSERT INTO handover.lease AS held (token, who, machine, pid, place, command, expires_at)
    VALUES (%(token)s, %(who)s, %(machine)s, %(pid)s, %(place)s, %(command)s,
            clock_timestamp() + make_interval(secs => %(lease_s)s))
    ON CONFLICT (one) DO UPDATE SET token = excluded.token, who = excluded.who, machine = excluded.machine,
        pid = excluded.pid, place = excluded.place, command = excluded.command,
        acquired_at = clock_timestamp(), expires_at = excluded.expires_at
    WHERE held.expires_at < clock_timestamp() OR (held.machine = excluded.machine AND held.place = excluded.place)
    RETURNING token
"""
_RENEW = """
    UPDATE handover.lease SET expires_at = clock_timestamp() + make_interval(secs => %s)
    WHERE token = %s AND expires_at > clock_timestamp()
"""
_HOLDER = """
    SELECT who, machine, pid, place, command, date_trunc('second', acquired_at),
           ceil(extract(epoch FROM expires_at - clock_timestamp()))::int
    FROM handover.lease WHERE expires_at > clock_timestamp()
"""
_SESSION = """
    SELECT format('session %%s of %%s', a.pid, coalesce(nullif(a.application_name, ''), 'no name'))
    FROM pg_locks JOIN pg_stat_activity a USING (pid)
    WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = %s AND granted
      AND a.datname = current_database()
"""


@dataclass(frozen=True)
class LeaseHolder:
    """Which command holds the lease: of whose account, where, since when, and how long unless it is renewed."""

    who: str
    machine: str
    pid: int
    place: str
    command: str
    since: datetime
    left_s: int

    def __str__(self) -> str:
        about = f"{self.who} on {self.machine} (pid {self.pid}, `{self.command}`) since {self.since:%F %T %Z}"
        return f"{about}; it runs out in {self.left_s} s unless it is renewed"


class Lease:
    """The right to act, held by this process; made by :func:`held`."""

    def __init__(self, config: Config, connection: Connection[Any] | None, token: str) -> None:
        self._lease_s, self._connection, self._token = config.journal.lease_s, connection, token
        self._lost = threading.Event()
        self._end = threading.Event()

    def check(self) -> None:
        """Raise unless this process still holds the lease.

        Raises
        ------
        Refused
            It ran out, or another took it.
        """
        if self._lost.is_set():
            message = "the lease ran out or another operator has it; this process does nothing more."
            raise Refused(f"{message} See who: handover status", code="HO503")

    def keep(self) -> None:
        """Renew until the end; a notification of a pause ends the process as a signal would."""
        assert self._connection is not None  # noqa: S101 - only started with one
        try:
            self._connection.execute(f"LISTEN {PAUSE_CHANNEL}")
            while not self._end.wait(min(self._lease_s / 3, NOTICE_WITHIN_S)):
                for _ in self._connection.notifies(timeout=0, stop_after=1):
                    os.kill(os.getpid(), signal.SIGTERM)
                if not self._connection.execute(_RENEW, [self._lease_s, self._token]).rowcount:
                    self._lost.set()
        except psycopg.Error:
            self._lost.set()

    def release(self) -> None:
        """Give it back."""
        if self._connection is not None and not self._connection.closed:
            self._connection.execute("DELETE FROM handover.lease WHERE token = %s", [self._token])

    @contextmanager
    def kept(self) -> Iterator["Lease"]:
        """Renew in a thread of its own while the block runs."""
        if self._connection is None:
            yield self
            return
        thread = threading.Thread(target=self.keep, name="lease", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join()


@contextmanager
def held(config: Config, command: str, *, copy_alone: bool = False) -> Iterator[Lease]:
    """Hold the lease while the block runs.

    Parameters
    ----------
    config, command
        The pair, and what is done, for the other operator to read.
    copy_alone
        The database is down; only the lock of this folder is taken.

    Raises
    ------
    Refused
        Another operator holds it; names who.
    """
    with ExitStack() as stack:
        stack.enter_context(_folder_locked(config.root, command))
        if copy_alone:
            yield Lease(config, None, "")
            return
        connection = stack.enter_context(_connected(config))
        lease = Lease(config, connection, _take(config, connection, command))
        # A killed process gives nothing back, and neither does one that ends by something unforeseen.
        try:
            with lease.kept():
                yield lease
        except (Exception, KeyboardInterrupt):
            _released(lease)
            raise
        _released(lease)


def _released(lease: Lease) -> None:
    try:
        lease.release()
    except psycopg.Error:  # the row runs out by itself, and here the folder's lock tells that no holder is left
        return


@contextmanager
def _connected(config: Config) -> Iterator[Connection[Any]]:
    try:
        connection = connect(config)
    except psycopg.Error as error:
        raise JournalError(f"the lease cannot be taken: {database_trouble(error)}") from error
    try:
        yield connection
    finally:
        connection.close()


def holder(connection: Connection[Any]) -> LeaseHolder | None:
    """Return who holds the lease, by the database; None when it is free."""
    row = connection.execute(_HOLDER).fetchone()
    return LeaseHolder(*row) if row else None


def holder_here(config: Config, found: LeaseHolder) -> bool:
    """Say whether the lease was taken from this folder; whether its process lives, that process's own lock says."""
    return (found.machine, found.place) == (machine(), str(config.root))


def _take(config: Config, connection: Connection[Any], command: str) -> str:
    token = str(uuid4())
    facts = {"who": operator(), "machine": machine(), "pid": os.getpid(), "place": str(config.root)}
    if _session_locked(connection):
        values = {"token": token, "command": command, "lease_s": config.journal.lease_s, **facts}
        if connection.execute(_TAKE, values).fetchone():
            return token
    who = str(holder(connection) or _session(connection))
    message = f"another operator holds the lease: {who}. Nothing was changed."
    raise Refused(f"{message} Talk to them; `handover pause` stops them.", code="HO503")


def _session_locked(connection: Connection[Any]) -> bool:
    """Lock the session; that of a killed process lives until the server notices, so it is waited for a moment."""
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", [SESSION_LOCK])
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _session(connection: Connection[Any]) -> str:
    row = connection.execute(_SESSION, [SESSION_LOCK]).fetchone()
    which = str(row[0]) if row else "a session that has ended since"
    return f"its time ran out, but {which} is still connected; end it with pg_terminate_backend"


@contextmanager
def _folder_locked(root: Path, command: str) -> Iterator[None]:
    path = root / FOLDER_LOCK
    with open_private(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = read_private(path).decode(errors="replace").strip()
            message = f"another operator holds the lease on this machine: {who}. Nothing was changed."
            raise Refused(f"{message} Talk to them; `handover pause` stops them.", code="HO503") from None
        file.truncate(0)
        file.write(f"{operator()}, pid {os.getpid()}, `{command}`\n")
        file.flush()
        yield

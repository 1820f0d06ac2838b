"""Waits for locks in short attempts with jitter, and names the sessions that hold them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Error, errors
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from handover.errors import HandoverError

# A prepared transaction hinders others without a session: its process is 0.
_BLOCKERS = """
    SELECT b.pid, a.usename, a.application_name, a.state, left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120),
           date_trunc('second', clock_timestamp() - a.xact_start)::text
      FROM (SELECT DISTINCT unnest(pg_blocking_pids(%s)) AS pid) b LEFT JOIN pg_stat_activity a ON a.pid = b.pid
     WHERE b.pid = 0 OR a.pid IS NOT NULL ORDER BY a.xact_start, b.pid
"""
# A prepared transaction has no process here; a table of another database may have the same number.
# What holds a lock on a table for which a strong lock was waited for; reading alone hinders only the strongest.
_HOLDERS = """
    SELECT DISTINCT ON (a.xact_start, a.pid) a.pid, a.usename, a.application_name, a.state,
           left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120),
           date_trunc('second', clock_timestamp() - a.xact_start)::text
      FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.granted AND l.relation = to_regclass(%s) AND l.pid IS DISTINCT FROM pg_backend_pid()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (a.pid IS NOT NULL OR l.pid IS NULL)
       AND (%s OR l.mode NOT IN ('AccessShareLock', 'RowShareLock'))
     ORDER BY a.xact_start, a.pid LIMIT 5
"""
# PostgreSQL looks for a deadlock after a second by default, so one is met where the timeout is longer than that.
LOCKED_OUT = (errors.LockNotAvailable, errors.DeadlockDetected)
_UNSEEN = "a session that let it go before it could be seen"
# Someone who reads along while a statement waits long is told again so often.
SAY_AGAIN_S = 30.0


class LockedOutError(HandoverError):
    """Other sessions held a lock for too long; nothing was changed."""

    code = "HO028"
    exit_code = 3


@dataclass(frozen=True)
class LockPatience:
    """How to try for locks: ``attempts`` times, each ``timeout_ms`` long, with a pause of random length between.

    A pause is at least ``pause_s`` long, grows with each attempt, and is at most ``longest_pause_s`` long.
    """

    timeout_ms: int
    attempts: int
    pause_s: float = 0.5
    longest_pause_s: float = 10.0

    def retry(self, attempt: Callable[[list[str]], None], *, say: Callable[[str], None]) -> None:
        """Call until it gets its locks.

        Parameters
        ----------
        attempt
            Tries once, with ``lock_timeout``, in a transaction; given a list, it notes there who blocks.
        say
            Receives a line for each attempt that did not get its locks.

        Raises
        ------
        LockedOutError
            No attempt got its locks; the message names the sessions that held them.
        """
        blockers: list[str] = []

        def before_sleep(state: RetryCallState) -> None:
            held = "; ".join(blockers) or _UNSEEN
            number = f"attempt {state.attempt_number} of {self.attempts}"
            say(f"{number} was locked out by {held}. Rolled back; trying again.")

        retrying = Retrying(
            retry=retry_if_exception_type(LOCKED_OUT),
            stop=stop_after_attempt(self.attempts),
            wait=wait_random_exponential(min=self.pause_s, max=self.longest_pause_s),
            before_sleep=before_sleep,
            reraise=True,
        )
        try:
            retrying(attempt, blockers)
        except LOCKED_OUT as error:
            held = "\n       ".join(blockers) or _UNSEEN
            message = f"no lock within {self.timeout_ms} ms in {self.attempts} attempts; nothing was changed."
            raise LockedOutError(f"{message} It was held by:\n       {held}\n       End it, then run again.") from error


def holders(observer: Connection[Any], table: str, *, from_reading: bool) -> list[str]:
    """Return the sessions that hold a table now, the oldest first: a short wait may end before it was looked at.

    Parameters
    ----------
    observer
        A session in autocommit.
    table
        Its name as SQL.
    from_reading
        Whether reading the table alone hindered too.
    """
    return list(map(_line, observer.execute(_HOLDERS, [table, from_reading]).fetchall()))


def blockers_of(observer: Connection[Any], pid: int) -> list[str]:
    """Return the sessions that block a session at this moment, the oldest transaction first.

    Parameters
    ----------
    observer
        A session in autocommit.
    pid
        The process id of the session that waits.
    """
    return list(map(_line, observer.execute(_BLOCKERS, [pid]).fetchall()))


def _line(row: tuple[Any, ...]) -> str:
    pid, user, application, state, query, age = row
    if not pid:
        return "a prepared transaction (see pg_prepared_xacts)"
    since = f", in a transaction for {age}" if age else ""
    return f"pid {pid} ({user}, {application or 'no name'}, {state or 'state not visible'}{since}): {query}"


class _Teller:
    """Says what a session waits for: when that changes, and again from time to time."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._said, self._at = say, frozenset[str](), 0.0

    def tell(self, lines: list[str]) -> None:
        # The age and the state of a session change all the time: it is told apart by its process.
        who = frozenset(line.partition(" (")[0] for line in lines)
        now = time.monotonic()
        if who and (who != self._said or now - self._at >= SAY_AGAIN_S):
            self._at = now
            self._say(f"it waits for {'; '.join(lines)}")
        self._said = who


@contextmanager
def watched(
    observer: Connection[Any],
    pid: int,
    blockers: list[str],
    every_s: float = 0.1,
    say: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Note which sessions block a session while it waits; afterwards that cannot be found out.

    Parameters
    ----------
    observer
        A session in autocommit that only this uses while the block runs.
    pid
        The process id of the session that may have to wait.
    blockers
        Receives a line for each session that blocks it; emptied first.
    every_s
        How often to look.
    say
        Receives a line when other sessions block it than before, and again from time to time.
    """
    done = threading.Event()
    blockers.clear()
    teller = _Teller(say) if say else None

    def watch() -> None:
        try:
            while not done.wait(every_s):
                if found := blockers_of(observer, pid):
                    blockers[:] = found
                if teller:
                    teller.tell(found)
        except Error:  # the session that waits meets the same trouble, and tells it
            return

    thread = threading.Thread(target=watch, name="who-blocks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()

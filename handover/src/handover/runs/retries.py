"""Waits for locks in short attempts with jitter, and names the sessions that hold them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Error, errors
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from handover.errors import HandoverError

_BLOCKERS = """
    SELECT pid, usename, application_name, state, left(regexp_replace(query, '\\s+', ' ', 'g'), 120)
      FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(%s))
"""
# What holds a lock on a table for which a strong lock was waited for; reading alone hinders only the strongest.
_HOLDERS = """
    SELECT DISTINCT ON (a.xact_start, a.pid) a.pid, a.usename, a.application_name, a.state,
           left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120)
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.granted AND l.relation = to_regclass(%s) AND a.pid <> pg_backend_pid()
       AND (%s OR l.mode NOT IN ('AccessShareLock', 'RowShareLock'))
     ORDER BY a.xact_start, a.pid LIMIT 5
"""
# PostgreSQL looks for a deadlock after a second by default, so one is met where the timeout is longer than that.
LOCKED_OUT = (errors.LockNotAvailable, errors.DeadlockDetected)
_UNSEEN = "a session that let it go before it could be seen"


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


def _line(row: tuple[Any, ...]) -> str:
    pid, user, application, state, query = row
    return f"pid {pid} ({user}, {application or 'no name'}, {state}): {query}"


@contextmanager
def watched(observer: Connection[Any], pid: int, blockers: list[str], every_s: float = 0.1) -> Iterator[None]:
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
    """
    done = threading.Event()
    blockers.clear()

    def watch() -> None:
        try:
            while not done.wait(every_s):
                rows = observer.execute(_BLOCKERS, [pid]).fetchall()
                if rows:
                    blockers[:] = map(_line, rows)
        except Error:  # the session that waits meets the same trouble, and tells it
            return

    thread = threading.Thread(target=watch, name="who-blocks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()

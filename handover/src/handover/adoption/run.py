"""Execute transactions, or write them down for a DBA: the same statements either way."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

from psycopg import Connection, connect, errors
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from handover.adoption.statements import Transaction
from handover.errors import HandoverError

# The original's users wait behind a DDL statement that itself waits, so it must not wait long.
LOCK_TIMEOUT_MS = 2000
BLOCKERS = """
    SELECT pid, usename, application_name, state, left(regexp_replace(query, '\\s+', ' ', 'g'), 120)
      FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(%s))
"""


class LockedOutError(HandoverError):
    """Other sessions held a lock for longer than we may wait; nothing was changed."""

    code = "HO028"
    exit_code = 3


def script(transactions: tuple[Transaction, ...], *, heading: str) -> str:
    """Return the statements as a psql script that stops at the first error."""
    lines = [f"-- {heading}", "\\set ON_ERROR_STOP on"]
    for transaction in transactions:
        lines += ["", "BEGIN;", *(f"{setting};" for setting in _preamble())]
        for step in transaction:
            lines += [f"-- {step.title}", *(f"{statement.as_string()};" for statement in step.statements)]
        lines.append("COMMIT;")
    return "\n".join([*lines, ""])


def _preamble() -> tuple[LiteralString, ...]:
    return (f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'", "SET LOCAL search_path = public")


def execute(
    url: str,
    transactions: tuple[Transaction, ...],
    *,
    verify: Callable[[Connection[Any]], None],
    attempts: int,
    say: Callable[[str], None],
) -> None:
    """Run transactions one after another; when a lock is not to be had, roll that one back and try it again.

    Parameters
    ----------
    url
        Database, as the owner of the shared tables.
    transactions
        In order.
    verify
        Called before the last commit; whatever it raises rolls that transaction back.
    attempts
        How often to try each before giving up.
    say
        Receives a line for each new title, and for each attempt that was locked out.

    Raises
    ------
    LockedOutError
        Every attempt met a lock; names the sessions that held it.
    """
    said = ""
    for transaction in transactions:
        for step in transaction:
            if step.title != said:
                say(step.title)
            said = step.title
        last = transaction is transactions[-1]
        _with_retries(url, transaction, verify if last else None, attempts=attempts, say=say)


def _with_retries(
    url: str,
    transaction: Transaction,
    verify: Callable[[Connection[Any]], None] | None,
    *,
    attempts: int,
    say: Callable[[str], None],
) -> None:
    blockers: list[str] = []

    def before_sleep(state: RetryCallState) -> None:
        held = "; ".join(blockers) or "a session that has ended since"
        say(f"attempt {state.attempt_number} of {attempts} was locked out by {held}. Rolled back; trying again.")

    retrying = Retrying(
        retry=retry_if_exception_type(errors.LockNotAvailable),
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(min=0.5, max=10),
        before_sleep=before_sleep,
        reraise=True,
    )
    try:
        retrying(_attempt, url, transaction, verify, blockers)
    except errors.LockNotAvailable as error:
        held = "\n       ".join(blockers) or "a session that has ended since"
        message = f"a lock was not to be had within {LOCK_TIMEOUT_MS} ms in {attempts} attempts; nothing was changed."
        raise LockedOutError(f"{message} It was held by:\n       {held}\n       End it, then run again.") from error


def _attempt(
    url: str, transaction: Transaction, verify: Callable[[Connection[Any]], None] | None, blockers: list[str]
) -> None:
    with connect(url, application_name="handover adopt") as connection, _watched(url, connection, blockers):
        for setting in _preamble():
            connection.execute(setting)
        for step in transaction:
            for statement in step.statements:
                connection.execute(statement)
        if verify:
            verify(connection)


@contextmanager
def _watched(url: str, connection: Connection[Any], blockers: list[str]) -> Iterator[None]:
    """Note who blocks the connection while it waits: afterwards nobody can tell."""
    done = threading.Event()
    pid = connection.info.backend_pid
    blockers.clear()

    def watch() -> None:
        with connect(url, autocommit=True, application_name="handover adopt (who blocks)") as observer:
            while not done.wait(0.1):
                rows = observer.execute(BLOCKERS, [pid]).fetchall()
                if rows:
                    blockers[:] = [
                        f"pid {p} ({user}, {app or 'no name'}, {state}): {q}" for p, user, app, state, q in rows
                    ]

    thread = threading.Thread(target=watch, name="who-blocks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()

"""Run transactions, or print the same statements as a script for a DBA."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, LiteralString, Protocol

from psycopg import Connection, Error, connect, errors

from handover.adoption.statements import Code, Transaction
from handover.errors import Refused
from handover.runs.retries import LockPatience, watched
from handover.wording import literal, one_line

APPLICATION = "handover adopt"
# While a DDL statement waits for its lock, the original's users wait behind it, so it must not wait long.
LOCK_TIMEOUT_MS = 2000


class Interpreter(Protocol):
    """Runs migrations that cannot be SQL."""

    @property
    def pid(self) -> int:
        """The process id of its session in the database."""

    def migrate(self, code: Code) -> None:
        """Run a migration."""


def psql_script(transactions: tuple[Transaction, ...], *, heading: str, notes: tuple[str, ...] = ()) -> str:
    """Return the statements as a psql script that stops at the first error.

    Parameters
    ----------
    transactions
        In order.
    heading, notes
        Comment lines at the top.
    """
    lines = [_comment(heading), *map(_comment, notes), "\\set ON_ERROR_STOP on"]
    for transaction in transactions:
        if transaction[0].code:
            lines += ["", *_by_hand(transaction[0].code, transaction[0].title)]
            continue
        lines += ["", "BEGIN;", *(f"{setting};" for setting in _preamble())]
        for step in transaction:
            lines += [_comment(step.title), *(f"{statement.as_string()};" for statement in step.statements)]
        lines.append("COMMIT;")
    return "\n".join([*lines, ""])


def _comment(text: str) -> str:
    """Return a comment; a line break in a name must not end it."""
    return f"-- {one_line(text)}"


def _argument(text: str) -> str:
    """Return a text as an argument of a psql command."""
    return "'" + one_line(text).replace("\\", "\\\\").replace("'", "''") + "'"


def _by_hand(code: Code, title: str) -> list[str]:
    """Return the lines in which psql waits for a migration that it cannot run, and checks that it was run."""
    app, name = code.key
    lines = [_comment(title)]
    if code.alone:
        lines += [
            _comment(
                f"psql cannot run it. In another session, as the role and at this point: manage.py migrate {app} {name}"
            ),
            f"\\prompt {_argument(f'Run `manage.py migrate {app} {name}`, then press Enter ')} done",
        ]
    else:
        lines.append("-- Neither psql nor manage.py can run it: some of its operations are about shared tables.")
    missing = f"{code.name} was not run; the script ends here. The toolkit can run everything: handover adopt --apply"
    block = [
        f"  IF NOT EXISTS (SELECT FROM {code.history} WHERE app = {literal(app)} AND name = {literal(name)}) THEN",
        f"    RAISE EXCEPTION USING MESSAGE = {literal(missing)};",
        "  END IF;",
    ]
    mark = "$$"
    while mark in "".join(block):  # a name must not end the block
        mark = f"${mark.strip('$')}x$"
    return [*lines, f"DO {mark} BEGIN", *block, f"END {mark};"]


def _preamble() -> tuple[LiteralString, ...]:
    return (f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'", "SET LOCAL search_path = public")


def run_transactions(
    url: str,
    transactions: tuple[Transaction, ...],
    *,
    verify: Callable[[Connection[Any]], None],
    attempts: int,
    say: Callable[[str], None],
    agent: Interpreter | None = None,
) -> None:
    """Run transactions one after another. One that does not get its locks is rolled back and tried again.

    Parameters
    ----------
    url
        Database, as the owner of the shared tables.
    transactions
        In order.
    verify
        Called before the last commit; an error in it rolls that transaction back.
    attempts
        How often to try each before giving up.
    say
        Receives a line for each new title, and for each attempt that did not get its locks.
    agent
        Runs the steps that cannot be SQL.

    Raises
    ------
    Refused
        A migration of the backend failed; the message names it.
    LockedOutError
        No attempt got its locks; the message names the sessions that held them.
    """
    said = ""
    for transaction in transactions:
        for step in transaction:
            if step.title != said:
                say(step.title)
            said = step.title
        last = transaction is transactions[-1]
        attempt = partial(_attempt, url, transaction, verify if last else None)
        if transaction[0].code and agent:
            attempt = partial(_attempt_inside, url, transaction[0].code, agent)
        try:
            LockPatience(timeout_ms=LOCK_TIMEOUT_MS, attempts=attempts).retry(attempt, say=say)
        except Error as error:
            raise _refused(transaction, error) or error from error


def _refused(transaction: Transaction, error: Error) -> Refused | None:
    """Return the error for a migration that the database refused; None if the statement is of no migration."""
    migration = next((step.migration for step in transaction if step.migration), None)
    if migration is None:
        return None
    name = migration.partition(" ")[0]
    words = str(error).strip().splitlines()[0]
    message = f"migration {migration} was refused by the database: {words}."
    return Refused(
        f"{message}\n       {repair_advice(name, refused=isinstance(error, errors.InsufficientPrivilege))}",
        code="HO042",
    )


def repair_advice(name: str, *, refused: bool) -> str:
    """Return what can be done about a migration that adoption cannot run."""
    why = (
        "While migrations run, the role reads shared tables and refers to them, and writes to its own. "
        if refused
        else ""
    )
    return (
        f'{why}Correct it; or leave it for later, migrate_later = ["{name}"] under [backend] in handover.toml,'
        f" and run manage.py migrate as the backend after the adoption."
    )


def _attempt(
    url: str, transaction: Transaction, verify: Callable[[Connection[Any]], None] | None, blockers: list[str]
) -> None:
    with (
        connect(url, application_name=APPLICATION) as connection,
        _observing(url) as observer,
        watched(observer, connection.info.backend_pid, blockers),
    ):
        for setting in _preamble():
            connection.execute(setting)
        for step in transaction:
            for statement in step.statements:
                connection.execute(statement)
        if verify:
            verify(connection)


def _attempt_inside(url: str, code: Code, agent: Interpreter, blockers: list[str]) -> None:
    with _observing(url) as observer, watched(observer, agent.pid, blockers):
        agent.migrate(code)


@contextmanager
def told_of_waits(url: str, connection: Connection[Any], say: Callable[[str], None]) -> Iterator[None]:
    """Say which sessions a connection waits for while it reads: a table may be locked by others.

    Parameters
    ----------
    url
        Database.
    connection
        What reads.
    say
        Receives a line when it begins to wait for other sessions, and again from time to time.
    """
    with _observing(url) as observer, watched(observer, connection.info.backend_pid, [], say=say):
        yield


def _observing(url: str) -> Connection[Any]:
    return connect(url, autocommit=True, application_name=f"{APPLICATION} (who blocks)")

"""Runs the steps of a plan: in a transaction with their mark, alone, or in batches."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
from psycopg import Connection, errors, sql

from handover.config.evolve import EvolveSettings
from handover.errors import HandoverError
from handover.evolve.context import EvolveContext
from handover.evolve.lock_wait import longest_wait_ms
from handover.evolve.marks import StepMark
from handover.evolve.position import newest_run
from handover.evolve.session import APPLICATION, open_session
from handover.evolve.statement import STRONG, EvolveStatement, EvolveStep, Part, action_name
from handover.evolve.step_context import StepContext
from handover.evolve.works import WORKS
from handover.journal.processes import StoppedError
from handover.runs.command import Action, Evidence
from handover.runs.retries import LockPatience, holders, watched
from handover.troubles import database_trouble

# Attempts are short, so they may follow each other soon; the random part keeps them from meeting the same client again.
PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0
# Looking for blockers costs the server something, so it is done often only where a wait is short.
OFTEN_S, SELDOM_S = 0.005, 0.1
_INDEX = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
# Where PostgreSQL's detail names objects or a key, and no whole row.
TOLD = (errors.DependentObjectsStillExist.sqlstate, errors.UniqueViolation.sqlstate)
# The parts after which the columns have the names of the new shape.
AFTER_SWITCH: tuple[Part, ...] = ("back", "contract")


class StepFailedError(HandoverError):
    """The database refused a step, or was gone."""

    code = "HO653"


def step_actions(part: Part, steps: tuple[EvolveStep, ...]) -> tuple[Action[EvolveContext], ...]:
    """Return the actions of the steps of one part of a plan."""
    return tuple(Action(action_name(part, step), partial(do_step, part, step)) for step in steps)


def do_step(part: Part, step: EvolveStep, context: EvolveContext) -> Evidence:
    """Do a step, unless its mark says that it is done.

    Parameters
    ----------
    part, step
        The step, and the part of the plan that it is of.
    context
        What it acts with; a run is under way.

    Raises
    ------
    LockedOutError
        It did not get its locks; nothing of the step was done.
    StepFailedError
        The database refused, or was gone. The step is done as a whole or, but for batches, not at all.
    """
    try:
        return _do(part, step, context)
    except psycopg.Error as error:
        raise StepFailedError(_why(step, error)) from error


def _why(step: EvolveStep, error: psycopg.Error) -> str:
    said = database_trouble(error)
    if error.sqlstate in TOLD and error.diag.message_detail:
        said += "".join(f"\n       {line}" for line in error.diag.message_detail.splitlines())
    return f"{step.name}: {said}\n       Then go on: handover resume"


def _do(part: Part, step: EvolveStep, context: EvolveContext) -> Evidence:
    run = newest_run(context.journal.entries(), context.name)
    assert run is not None  # noqa: S101 - an action is part of one
    mark = StepMark(context.config.journal.role, context.name, run.id, action_name(part, step))
    with _session(context) as connection:
        done, _ = mark.read(connection)
    if done:
        return {"note": "it was done before; its mark says so"}
    if step.how == "transaction":
        evidence = _in_transaction(step, mark, context)
    else:
        evidence = _alone(step, context) if step.how == "alone" else _in_batches(part, step, mark, context)
    context.at_point(f"{step.name}: not on disk")
    with _session(context) as connection:
        mark.done_on_disk(connection)
    return evidence


def _session(context: EvolveContext) -> Connection[Any]:
    return open_session(context.config, autocommit=True, name=APPLICATION)


def _in_transaction(step: EvolveStep, mark: StepMark, context: EvolveContext) -> Evidence:
    settings, tried, locked_ms = context.config.evolve, 0, 0.0
    with _observer(context) as observer:
        # Asked of the server at each step: the plan may be older than its setting.
        wait_ms = longest_wait_ms(observer, settings)

        def attempt(blockers: list[str]) -> None:
            nonlocal tried, locked_ms
            tried += 1
            context.go_on()
            try:
                locked_ms = _attempt(step, mark, context, observer, blockers, wait_ms)
            except errors.LockNotAvailable:
                blockers[:] = blockers or _holders(observer, step)
                raise

        patience = LockPatience(
            timeout_ms=wait_ms,
            attempts=settings.attempts,
            pause_s=PAUSE_S,
            longest_pause_s=LONGEST_PAUSE_S,
        )
        patience.retry(attempt, say=context.say)
    return {"attempts": tried, "locked_ms": round(locked_ms, 3)}


def _observer(context: EvolveContext) -> Connection[Any]:
    name = f"{APPLICATION} (who blocks)"
    return open_session(context.config, autocommit=True, name=name)


def _attempt(
    step: EvolveStep,
    mark: StepMark,
    context: EvolveContext,
    observer: Connection[Any],
    blockers: list[str],
    wait_ms: int,
) -> float:
    """Do a step in one transaction; return for how long it held its locks, in milliseconds."""
    is_long = any(statement.long for statement in step.statements)
    every_s, say = (SELDOM_S, context.say) if is_long else (OFTEN_S, None)
    with (
        _session(context) as connection,
        watched(observer, connection.info.backend_pid, blockers, every_s, say),
        connection.transaction(),
    ):
        began = _locked(connection, step, context.config.evolve, wait_ms)
        for statement in step.statements:
            _execute(connection, statement.sql)
        mark.done(connection)
        context.at_point(f"{step.name}: not committed")
    return (time.monotonic() - began) * 1000


def _execute(connection: Connection[Any], text: str) -> None:
    """Execute a statement; when this process is stopped meanwhile, the server stops it too."""
    try:
        connection.execute(text.encode())
    except StoppedError:
        connection.cancel_safe()
        connection.close()
        raise


def _holders(observer: Connection[Any], step: EvolveStep) -> list[str]:
    tables = _strong(step.statements)
    return [line for name, lock in tables for line in holders(observer, _quoted(name), from_reading=lock == STRONG[-1])]


def _locked(connection: Connection[Any], step: EvolveStep, settings: EvolveSettings, wait_ms: int) -> float:
    """Take every strong lock of a step first, within one time limit for all; return when the first was asked for.

    A lock that is held while the next one is waited for makes users wait for both.
    """
    began = time.monotonic()
    connection.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(settings.shared_schema)))
    strong = list(_strong(step.statements))
    if strong:
        # The locks are held until the commit, so the commit does not wait for the disk; `done_on_disk` does. The log is
        # written in order: what is committed after it brings this to the disk first.
        connection.execute("SET LOCAL synchronous_commit = off")
    for table, lock in strong:
        if not _is_there(connection, table):  # what takes away does not need all of it to be there
            continue
        left = wait_ms - (time.monotonic() - began) * 1000
        connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(max(1, round(left))))
        name = sql.Identifier(*table.split(".", 1))
        connection.execute(sql.SQL("LOCK TABLE {} IN {} MODE").format(name, sql.SQL(lock)))
    waits = [min(wait_ms, one.wait_ms) for one in step.statements if one.wait_ms is not None]
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(min(waits, default=0)))
    return began


def _is_there(connection: Connection[Any], name: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [_quoted(name)]).fetchone()
    return bool(row and row[0])


def _strong(statements: tuple[EvolveStatement, ...]) -> Iterator[tuple[str, Any]]:
    """Yield each table that statements lock strongly, with the strongest of these locks, in the order of names."""
    tables: dict[str, str] = {}
    for statement in statements:
        if statement.table and statement.lock in STRONG:
            before = tables.get(statement.table, statement.lock)
            tables[statement.table] = max(before, statement.lock, key=STRONG.index)
    return iter(sorted(tables.items()))


def _alone(step: EvolveStep, context: EvolveContext) -> Evidence:
    (statement,) = step.statements
    began = time.monotonic()
    with _session(context) as connection:
        if step.index:
            row = connection.execute(_INDEX, [_quoted(step.index)]).fetchone()
            if row and row[0]:
                return {"note": f"{step.index} is there and valid"}
            if row:
                context.say(f"{step.index} is there and invalid; it is built again")
                index = sql.Identifier(*step.index.split(".", 1))
                connection.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(index))
        context.at_point(f"{step.name}: about to run alone")
        # CONCURRENTLY waits for every transaction that is older: for these no lock time-out holds.
        with _observer(context) as observer, watched(observer, connection.info.backend_pid, [], SELDOM_S, context.say):
            _execute(connection, statement.sql)
    return {"took_s": round(time.monotonic() - began, 3)}


def _quoted(name: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split(".", 1))


def _in_batches(part: Part, step: EvolveStep, mark: StepMark, context: EvolveContext) -> Evidence:
    given = StepContext(
        config=context.config,
        mark=mark,
        switched=part in AFTER_SWITCH,
        go_on=context.go_on,
        say=context.say,
        at_point=context.at_point,
    )
    return WORKS[step.work](given, step.arguments)

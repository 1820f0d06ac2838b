"""Fill new columns for the rows that existed before: in short batches by key, as fast as users do not notice it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from psycopg import Connection, IsolationLevel, errors, sql

from handover.errors import HandoverError
from handover.evolve.batch import FilledBatch, UnfilledTable
from handover.evolve.fill_cursor import FillCursor
from handover.evolve.fill_progress import FillProgress
from handover.evolve.pace import LONGEST_REST_S, Pace
from handover.evolve.row_key import read_row_key
from handover.evolve.statement import ColumnPair
from handover.evolve.step_context import StepContext
from handover.evolve.throttle import LOOK_EVERY_S, Strain, Throttle

# For so long others may hold the last rows, or the table, before the step gives up; resume goes on.
PATIENCE_S = 600.0
# Where rows lie in the order of their key, the first layer leaves room on each page for the new versions of the others:
# the table grows by a part instead of by its whole size, and most indexes are left alone.
LAYERS = 4
# ANALYZE waits behind an autovacuum of the table; no reader and no writer waits behind it.
KNOW_WAIT_MS = 5000
# A batch is lost together with its cursor when the server dies, so its commit need not wait for the disk while it
# holds rows. Rows that a policy hides would stay empty without notice: then the batch fails instead.
_SESSION = "SET synchronous_commit = off; SET row_security = off; SET jit = off; SET statement_timeout = 0"
_ROWS = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = to_regclass(%s)"


class Backfill:
    """Fills one table.

    Parameters
    ----------
    context
        What the step works with.
    table
        The table.
    throttle, pace
        What makes it slower, and how much it does at once.
    progress
        Tells people.
    sleep
        Waits so many seconds.
    """

    def __init__(
        self,
        context: StepContext,
        table: UnfilledTable,
        throttle: Throttle,
        pace: Pace,
        progress: FillProgress,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._context, self._table, self._throttle, self._pace = context, table, throttle, pace
        self._progress, self._sleep = progress, sleep
        self._locked_out_s = self._held_s = 0.0
        self._filled_before_pass = -1

    def run(self, connection: Connection[Any], cursor: FillCursor) -> FillCursor:
        """Fill batch after batch until a whole pass finds nothing to fill; return the last cursor.

        Raises
        ------
        HandoverError
            Others held the last rows, or the table, for too long.
        """
        self._progress.begin(cursor.filled)
        waiting = 0
        while not cursor.done:
            self._context.go_on()
            self._slow_down_for(self._throttle.look(connection, waiting=waiting), connection, cursor)
            try:
                before, (cursor, waiting) = cursor, self._batch(connection, cursor)
            except (errors.LockNotAvailable, errors.DeadlockDetected):
                self._locked_out_s = self._wait(connection, "other sessions lock the table", self._locked_out_s)
                continue
            self._locked_out_s = 0.0
            self._context.at_point("after a batch")
            if cursor.turn > before.turn:
                self._end_pass(connection, before.turn, cursor)
        return cursor

    def _end_pass(self, connection: Connection[Any], turn: int, cursor: FillCursor) -> None:
        """Wait before the next pass when this one, not the first, could fill nothing of what it found."""
        if turn > 1 and cursor.filled == self._filled_before_pass:
            self._held_s = self._wait(connection, "other sessions hold the last rows", self._held_s)
        else:
            self._held_s = 0.0
        self._filled_before_pass = cursor.filled

    def _batch(self, connection: Connection[Any], cursor: FillCursor) -> tuple[FillCursor, int]:
        """Fill one batch; return the cursor after it, and how many sessions waited for its rows."""
        layer = (cursor.layer, cursor.layers) if cursor.layered else None
        reach = self._pace.layered_reach(cursor.layers) if layer else self._pace.reach
        end = cursor.end or self._table.key.end(connection, cursor.after, cursor.upper, reach)
        # The first pass needs no look of its own: there is always a second.
        found = cursor.turn > 1 and self._table.any_due(connection, cursor.after, end)
        batch, began = FilledBatch(0, end, full=False), time.monotonic()
        # While rows are held, the server is waited for twice: for what was filled, and for the commit.
        with connection.pipeline(), connection.transaction():
            if found or cursor.turn == 1:
                batch = self._table.fill(connection, cursor.after, end, rows=self._pace.rows, layer=layer)
            waiting = self._table.waiting(connection)
            moved = cursor.moved(end, batch, found=found)
            self._context.keep(connection, asdict(moved))
            self._context.at_point("before a batch commits")
        full = batch.full or self._pace.is_fair(batch.filled)
        self._pace.adapt(took_s=time.monotonic() - began, full=full)
        return moved, int((waiting.fetchone() or [0])[0])

    def _slow_down_for(self, strain: Strain | None, connection: Connection[Any], cursor: FillCursor) -> None:
        self._progress.tell(cursor.filled, strain, turn=cursor.turn)
        while strain and strain.hold:
            self._sleep(LOOK_EVERY_S)
            self._context.go_on()
            strain = self._throttle.look(connection)
            self._progress.tell(cursor.filled, strain, turn=cursor.turn)
        if strain:
            self._pace.slow_down()
        else:
            self._pace.recover()
        if self._pace.rest_s:
            self._sleep(self._pace.rest_s)

    def _wait(self, connection: Connection[Any], what: str, waited_s: float) -> float:
        """Wait, because others hold what is left; return how long in all. Give up after a while."""
        holders = "; ".join(self._table.holders(connection)) or "they ended a moment ago"
        if waited_s >= PATIENCE_S:
            message = f"{what} for {waited_s:.0f} s now, so the backfill cannot end: {holders}."
            raise HandoverError(f"{message} End them, then go on: handover resume", code="HO681")
        self._progress.tell_waiting(f"{what}: {holders}")
        rest_s = min(max(waited_s, LOOK_EVERY_S), LONGEST_REST_S)
        self._sleep(rest_s)
        return waited_s + rest_s


def backfill(context: StepContext, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill the new columns of one table, from where an earlier process stopped.

    Parameters
    ----------
    context
        What the step works with.
    arguments
        ``table``, and ``pairs``: :class:`ColumnPair` as JSON.

    Returns
    -------
    Mapping
        ``rows`` that were filled in all, ``passes``, and ``seconds`` and ``rows_per_s`` of this process.
    """
    pairs, began = [ColumnPair(**pair) for pair in arguments["pairs"]], time.monotonic()
    settings = context.config.evolve
    with context.connect() as connection:
        connection.isolation_level = IsolationLevel.READ_COMMITTED
        connection.execute(_SESSION)
        table = UnfilledTable(read_row_key(connection, arguments["table"]), pairs, switched=context.switched)
        first = _first(context, connection, table)
        if first is None:
            return {"rows": 0, "passes": 0, "seconds": 0.0, "rows_per_s": 0}
        throttle = Throttle(replication_lag_s=settings.replication_lag_s, latency=settings.latency)
        progress = FillProgress(arguments["table"], _rows(connection, table), context.say)
        last = Backfill(context, table, throttle, Pace(settings.batch_ms / 1000), progress).run(connection, first)
        _know_columns(context, connection, table)
    seconds = time.monotonic() - began
    context.say(f"{arguments['table']}: {last.filled:,} rows are filled; none is left")
    rate = round((last.filled - first.filled) / seconds)
    return {"rows": last.filled, "passes": last.turn, "seconds": round(seconds, 3), "rows_per_s": rate}


def _first(context: StepContext, connection: Connection[Any], table: UnfilledTable) -> FillCursor | None:
    """Return where to go on; None for an empty table. The upper bound is kept before the first batch."""
    if kept := context.cursor(connection):
        return FillCursor.from_json(kept)
    with connection.transaction():
        upper = table.key.last(connection)
        if upper is None:
            return None
        cursor = FillCursor(upper, LAYERS if table.in_order(connection) else 1)
        context.keep(connection, asdict(cursor))
    return cursor


def _know_columns(context: StepContext, connection: Connection[Any], table: UnfilledTable) -> None:
    """Let PostgreSQL know the new columns, so that it plans the new shape's queries as well as those of the old."""
    try:
        connection.execute(f"SET lock_timeout = {KNOW_WAIT_MS}".encode())
        connection.execute(sql.SQL("ANALYZE {} ({})").format(table.key.table, table.columns))
    except (errors.LockNotAvailable, errors.QueryCanceled):
        context.say(f"{table.key.table.as_string()} is locked; autovacuum will analyse it")


def _rows(connection: Connection[Any], table: UnfilledTable) -> int:
    row = connection.execute(_ROWS, [table.key.table.as_string()]).fetchone()
    return int(row[0]) if row else 0

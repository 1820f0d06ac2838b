"""One batch of a backfill: some rows are locked without waiting, and the sync trigger fills their new columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Cursor, sql

from handover.evolve.expression import applied, declared
from handover.evolve.row_key import KeyValues, RowKey
from handover.evolve.statement import ColumnPair

# Rows that other sessions hold are left out: a batch never waits for a row while it holds others, so it is never
# part of a deadlock. The update changes nothing itself; the sync trigger sees the empty column and converts.
_FILL = """
    WITH locked AS MATERIALIZED (
        SELECT t.ctid AS handover_place, {names} FROM {table} t
        WHERE {within} AND ({due}) ORDER BY {names} LIMIT {rows} FOR NO KEY UPDATE SKIP LOCKED
    ), filled AS (
        UPDATE {table} SET {column} = {column} WHERE ctid = ANY (ARRAY(SELECT handover_place FROM locked)) RETURNING 1
    )
    SELECT (SELECT count(*) FROM locked), (SELECT count(*) FROM filled), {texts}
    FROM (SELECT) one LEFT JOIN (SELECT * FROM locked t ORDER BY {descending} LIMIT 1) t ON true
"""
# The sign is left out by a mask, since the least number has no absolute value.
_LAYER = " AND (hashtextextended(ROW({key})::text, 0) & 9223372036854775807) % {layers} = {number}"
_CORRELATION = """
    SELECT abs(s.correlation) > 0.9 FROM pg_stats s JOIN pg_class c ON c.relname = s.tablename
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = s.schemaname
    WHERE c.oid = {table}::regclass AND s.attname = {column} AND NOT s.inherited
"""
_LEFT = "SELECT EXISTS (SELECT FROM {table} t WHERE {within} AND ({due}))"
# Every session that began to wait for a row of the batch still waits: rows are released by the commit alone.
_WAITING = """
    SELECT count(*) FROM pg_locks WHERE NOT granted
      AND (locktype = 'transactionid' AND transactionid = pg_current_xact_id()::xid
        OR locktype = 'tuple' AND relation = {table}::regclass
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
_HOLDERS = """
    SELECT coalesce(format('session %s of %s (%s), %s, since %s', a.pid, a.usename,
                           coalesce(nullif(a.application_name, ''), 'no name'), a.state,
                           date_trunc('second', a.xact_start)), 'a prepared transaction')
    FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'relation' AND l.relation = {table}::regclass AND l.granted
      AND l.mode NOT IN ('AccessShareLock', 'ShareUpdateExclusiveLock') AND l.pid IS DISTINCT FROM pg_backend_pid()
    GROUP BY a.pid, a.usename, a.application_name, a.state, a.xact_start ORDER BY a.xact_start NULLS FIRST LIMIT 3
"""


@dataclass(frozen=True)
class FilledBatch:
    """What one batch did.

    Attributes
    ----------
    filled
        So many rows.
    upto
        Up to this key the range was looked at.
    full
        Whether it ended because it had as many rows as it may lock.
    """

    filled: int
    upto: KeyValues
    full: bool


class UnfilledTable:
    """A table with pairs of columns, the new ones still empty.

    Parameters
    ----------
    key
        The table, and the key by which its rows are walked through.
    pairs
        The pairs, at least one.
    switched
        Whether the columns have the names of after the switch.

    Attributes
    ----------
    columns
        The new columns, separated by commas.
    """

    def __init__(self, key: RowKey, pairs: Sequence[ColumnPair], *, switched: bool) -> None:
        self.key = key
        new = [sql.Identifier(pair.new(switched=switched)) for pair in pairs]
        self.columns, self._column = sql.SQL(", ").join(new), new[0]
        self._due = sql.SQL(" OR ").join(_due(pair, switched=switched) for pair in pairs)

    def any_due(self, connection: Connection[Any], after: KeyValues | None, upto: KeyValues) -> bool:
        """Say whether a range has rows to fill, also such that other sessions hold.

        Parameters
        ----------
        connection
            A session.
        after, upto
            The range: above the one key, None for the first; up to the other.
        """
        query = sql.SQL(_LEFT).format(table=self.key.table, within=self.key.within(after, upto), due=self._due)
        row = connection.execute(query).fetchone()
        return bool(row and row[0])

    def in_order(self, connection: Connection[Any]) -> bool:
        """Say whether the rows lie in the order of their key, as far as PostgreSQL knows."""
        query = sql.SQL(_CORRELATION).format(
            table=sql.Literal(self.key.table.as_string()), column=sql.Literal(self.key.columns[0])
        )
        row = connection.execute(query).fetchone()
        return bool(row and row[0])

    def fill(
        self,
        connection: Connection[Any],
        after: KeyValues | None,
        upto: KeyValues,
        *,
        rows: int,
        layer: tuple[int, int] | None = None,
    ) -> FilledBatch:
        """Fill rows of a range, in the caller's transaction; rows that other sessions hold are left out.

        Parameters
        ----------
        connection
            A session in a transaction of its own.
        after, upto
            The range: above the one key, None for the first; up to the other.
        rows
            At most so many.
        layer
            Only the rows of one layer: its number, and how many there are; None: all rows.
        """
        key, within = self.key, self.key.within(after, upto)
        if layer:
            number, layers = map(sql.Literal, layer)
            within += sql.SQL(_LAYER).format(key=key.names(), number=number, layers=layers)
        query = sql.SQL(_FILL).format(
            names=key.names(),
            texts=key.texts(),
            descending=key.descending(),
            table=key.table,
            within=within,
            due=self._due,
            rows=sql.Literal(rows),
            column=self._column,
        )
        locked, filled, *last = connection.execute(query).fetchone() or (0, 0)
        full = locked >= rows
        return FilledBatch(filled, tuple(last) if full else upto, full)

    def holders(self, connection: Connection[Any]) -> list[str]:
        """Return the sessions that may hold its rows, the oldest first."""
        return [str(one) for (one,) in connection.execute(self._on_table(_HOLDERS))]

    def waiting(self, connection: Connection[Any]) -> Cursor[Any]:
        """Ask how many sessions wait for the rows of this transaction; the answer is one number."""
        return connection.execute(self._on_table(_WAITING))

    def _on_table(self, query: str) -> sql.Composed:
        return declared(query).format(table=sql.Literal(self.key.table.as_string()))


def _due(pair: ColumnPair, *, switched: bool) -> sql.Composed:
    """Return the condition of the rows whose new column is empty and should not be."""
    old, new = (sql.Identifier("t", name) for name in (pair.old(switched=switched), pair.new(switched=switched)))
    converted = declared(applied(pair.up, old.as_string()))
    return new + sql.SQL(" IS NULL AND (") + converted + sql.SQL(") IS NOT NULL")

"""The key by which the rows of a table are walked through: its primary key, else a unique key without NULL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from handover.errors import Refused
from handover.evolve.expression import declared

# A type modifier of -1: `format_type` then names a type that a cast to it shortens no value.
_COLUMNS = """
    SELECT i.indexrelid, a.attname, format_type(a.atttypid, -1)
    FROM pg_index i
    CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
    WHERE i.indrelid = to_regclass(%s) AND i.indisunique AND i.indisvalid AND i.indimmediate
      AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
      AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS o (number, place)
                      JOIN pg_attribute b ON b.attrelid = i.indrelid AND b.attnum = o.number
                      WHERE o.place <= i.indnkeyatts AND NOT b.attnotnull)
    ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid, k.place
"""
KeyValues = tuple[str, ...]


@dataclass(frozen=True)
class RowKey:
    """A table and the columns of its key; a value of the key is a tuple of texts, so that a cursor can keep it.

    Attributes
    ----------
    table
        The table.
    columns, types
        The key's columns, in the index's order, and their types as SQL.
    """

    table: sql.Identifier
    columns: tuple[str, ...]
    types: tuple[str, ...]

    def names(self, source: str = "t") -> sql.Composed:
        """Return the columns of the table with the alias ``source``, separated by commas."""
        return sql.SQL(", ").join(sql.Identifier(source, column) for column in self.columns)

    def texts(self, source: str = "t") -> sql.Composed:
        """Return the key as texts, one a column."""
        texts = (sql.SQL("{}::text").format(sql.Identifier(source, column)) for column in self.columns)
        return sql.SQL(", ").join(texts)

    def descending(self, source: str = "t") -> sql.Composed:
        """Return the order from the last key to the first."""
        each = (sql.SQL("{} DESC").format(sql.Identifier(source, column)) for column in self.columns)
        return sql.SQL(", ").join(each)

    def within(self, after: Sequence[str] | None, upto: Sequence[str] | None, source: str = "t") -> sql.Composed:
        """Return the condition of a range.

        Parameters
        ----------
        after, upto
            Above the one key, up to the other; None means without that end.
        source
            The table's alias.
        """
        ends = [
            sql.SQL("({}) {} ({})").format(self.names(source), sql.SQL(comparison), self._value(values))
            for comparison, values in ((">", after), ("<=", upto))
            if values is not None
        ]
        return sql.SQL(" AND ").join(ends) if ends else sql.Composed([sql.SQL("true")])

    def last(self, connection: Connection[Any]) -> KeyValues | None:
        """Return the greatest key there is; None for an empty table."""
        query = sql.SQL("SELECT {} FROM {} t ORDER BY {} LIMIT 1").format(self.texts(), self.table, self.descending())
        return connection.execute(query).fetchone()

    def end(
        self, connection: Connection[Any], after: Sequence[str] | None, upto: Sequence[str], rows: int
    ) -> KeyValues:
        """Return the key at which a range ends.

        Parameters
        ----------
        connection
            A session.
        after
            The range begins above this key; None: at the first.
        upto
            No range goes beyond it; where fewer rows are left, it is the end.
        rows
            So many rows the range has.
        """
        query = sql.SQL("SELECT {} FROM {} t WHERE {} ORDER BY {} OFFSET {} LIMIT 1").format(
            self.texts(), self.table, self.within(after, upto), self.names(), sql.Literal(rows - 1)
        )
        return connection.execute(query).fetchone() or tuple(upto)

    def _value(self, values: Sequence[str]) -> sql.Composed:
        casts = (
            sql.SQL("CAST({} AS {})").format(sql.Literal(value), declared(kind))
            for value, kind in zip(values, self.types, strict=True)
        )
        return sql.SQL(", ").join(casts)


def table_named(table: str) -> sql.Identifier:
    """Return a table that a plan names as ``schema.name``."""
    return sql.Identifier(*table.split(".", 1))


def read_row_key(connection: Connection[Any], table: str) -> RowKey:
    """Return the key of a table, ``schema.name``.

    Raises
    ------
    Refused
        It has no key that every row has, so its rows cannot be walked through in ranges.
    """
    named = table_named(table)
    found = connection.execute(_COLUMNS, [named.as_string()]).fetchall()
    if not found:
        message = f"{table} has no primary key, and no unique index whose columns are all NOT NULL."
        raise Refused(f"{message} Its rows cannot be filled in ranges of a key; give it one.", code="HO680")
    key = [(name, kind) for index, name, kind in found if index == found[0][0]]
    return RowKey(named, tuple(name for name, _ in key), tuple(kind for _, kind in key))

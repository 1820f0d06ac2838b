"""Compares what each row of a range should hold with what it holds: by one checksum a range, then row by row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import Connection, sql

from handover.evolve.row_key import KeyValues, RowKey

# A range of so few rows is not bisected any more: its rows are read.
FEW_ROWS = 64
# The key is part of what is summed up, so that two rows whose values were exchanged differ.
_SUM = "coalesce(bit_xor(hashtextextended(ROW({key}, {summed})::text, 0)), 0)"
_CHECKSUMS = "SELECT count(*), {sums} FROM {table} t WHERE {within}"
_DIFFERS = "ROW({expected})::text IS DISTINCT FROM ROW({found})::text"
_ROWS = """
    SELECT count(*) OVER (), {texts}, {values} FROM {table} t
    WHERE {within} AND {differs} ORDER BY {key} LIMIT {limit}
"""


@dataclass(frozen=True)
class ComparedValue:
    """A value of a row; its SQL gives texts and calls the row ``t``.

    Attributes
    ----------
    name
        What differs, for people.
    old
        What the value comes from.
    expected, found
        What the row should hold, and what it holds.
    """

    name: str
    old: sql.Composable
    expected: sql.Composable
    found: sql.Composable


@dataclass(frozen=True)
class RangeChecksums:
    """The number of rows of a range, and the checksums of what they should hold and of what they hold."""

    rows: int
    expected: int
    found: int

    @property
    def equal(self) -> bool:
        """Whether every row holds what it should."""
        return self.expected == self.found


@dataclass(frozen=True)
class DifferingValue:
    """A value that is not what it should be.

    Attributes
    ----------
    key
        The row's key, by column.
    name
        What differs.
    old, expected, found
        Where it comes from, what it should be, what it is; None is NULL.
    """

    key: dict[str, str]
    name: str
    old: str | None
    expected: str | None
    found: str | None


@dataclass(frozen=True)
class DifferingRows:
    """How many rows of a range differ, and what differs in the first of them."""

    count: int
    values: list[DifferingValue]


class RowComparison:
    """Compares the rows of one table.

    Parameters
    ----------
    key
        The table, and the key by which its rows are walked through.
    values
        What is compared, at least one.
    """

    def __init__(self, key: RowKey, values: Sequence[ComparedValue]) -> None:
        self.key, self._values = key, values
        comma = sql.SQL(", ")
        self._parts = {
            "table": key.table,
            "key": key.names(),
            "texts": key.texts(),
            "expected": comma.join(value.expected for value in values),
            "found": comma.join(value.found for value in values),
            "values": comma.join(part for value in values for part in (value.old, value.expected, value.found)),
        }
        self._parts["differs"] = sql.SQL(_DIFFERS).format(**self._parts)
        summed = (self._parts["expected"], self._parts["found"])
        self._parts["sums"] = comma.join(sql.SQL(_SUM).format(key=key.names(), summed=one) for one in summed)

    def checksums(self, connection: Connection[Any], after: KeyValues | None, upto: KeyValues) -> RangeChecksums:
        """Sum up a range, in one statement, so that writes meanwhile make no difference.

        Parameters
        ----------
        connection
            A session.
        after, upto
            The range: above the one key, None for the first; up to the other.
        """
        return RangeChecksums(*map(int, self._execute(connection, _CHECKSUMS, after, upto)[0]))

    def bisect(
        self, connection: Connection[Any], after: KeyValues | None, upto: KeyValues, rows: int
    ) -> Iterator[tuple[KeyValues | None, KeyValues]]:
        """Yield the small ranges that differ, within a range that differs.

        Parameters
        ----------
        connection
            A session.
        after, upto
            The range: above the one key, None for the first; up to the other.
        rows
            So many rows it has.
        """
        if rows <= FEW_ROWS:
            yield after, upto
            return
        middle = self.key.end(connection, after, upto, rows // 2)
        for begin, end in ((after, middle), (middle, upto)):
            if begin == end:
                continue
            half = self.checksums(connection, begin, end)
            # Rows that come meanwhile must not keep a range from getting smaller.
            if not half.equal:
                yield from self.bisect(connection, begin, end, min(half.rows, rows - rows // 2))

    def differing(
        self, connection: Connection[Any], after: KeyValues | None, upto: KeyValues, *, limit: int
    ) -> DifferingRows:
        """Return what of a range is not what it should be.

        Parameters
        ----------
        connection
            A session.
        after, upto
            The range: above the one key, None for the first; up to the other.
        limit
            The values of at most so many rows; all are counted.
        """
        # One row is always asked for: the count comes with it.
        rows = self._execute(connection, _ROWS, after, upto, limit=sql.Literal(max(limit, 1)))
        values = [value for row in rows[:limit] for value in self._differing_values(row[1:])]
        return DifferingRows(int(rows[0][0]) if rows else 0, values)

    def _differing_values(self, row: tuple[Any, ...]) -> Iterator[DifferingValue]:
        key = dict(zip(self.key.columns, row, strict=False))
        texts = iter(row[len(key) :])
        for value, old, expected, actual in zip(self._values, texts, texts, texts, strict=True):
            if expected != actual:
                yield DifferingValue(key, value.name, old, expected, actual)

    def _execute(
        self,
        connection: Connection[Any],
        query: LiteralString,
        after: KeyValues | None,
        upto: KeyValues,
        **more: sql.Composable,
    ) -> list[tuple[Any, ...]]:
        within = self.key.within(after, upto)
        return connection.execute(sql.SQL(query).format(**self._parts, within=within, **more)).fetchall()

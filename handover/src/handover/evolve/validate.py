"""Validate: every row's new value is compared with what its old value gives, and foreign keys with their twins."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from psycopg import Connection, IsolationLevel, sql

from handover.errors import UnseenError
from handover.evolve.expression import applied, declared
from handover.evolve.row_comparison import ComparedValue, DifferingValue, RowComparison
from handover.evolve.row_key import KeyValues, RowKey, read_row_key, table_named
from handover.evolve.statement import ColumnPair
from handover.evolve.step_context import StepContext
from handover.wording import counted

RANGE_ROWS = 10_000
# So many differing rows are named; the others are counted.
NAMED_ROWS = 20
LONGEST_VALUE = 200
ATTEMPTS = 5
# Rows that a policy hides were not looked at: then it fails instead.
_SESSION = "SET row_security = off; SET jit = off; SET statement_timeout = 0"


@dataclass(frozen=True, kw_only=True)
class TwinKey:
    """A foreign key of the old columns, and its twin of the new ones.

    Attributes
    ----------
    name
        The old foreign key's name.
    parent
        ``schema.name`` of the table that it points at.
    columns
        The child's columns before the switch, in the key's order.
    parent_pairs
        The pairs of the parent's columns, in the same order.
    """

    name: str
    parent: str
    columns: tuple[str, ...]
    parent_pairs: tuple[ColumnPair, ...]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TwinKey":
        """Return the twin key that a plan holds."""
        pairs = tuple(ColumnPair(**pair) for pair in values["parent_pairs"])
        return cls(**{**values, "columns": tuple(values["columns"]), "parent_pairs": pairs})


@dataclass
class ValidationCursor:
    """How far a validation is, and what it found.

    Attributes
    ----------
    upper
        The greatest key there was when it began.
    after
        Up to this key rows were compared; None: it begins.
    rows
        So many rows were compared.
    checksum
        Of what they hold.
    differing_count
        So many rows differ.
    differing
        The first of them.
    """

    upper: KeyValues
    after: KeyValues | None = None
    rows: int = 0
    checksum: int = 0
    differing_count: int = 0
    differing: list[DifferingValue] = field(default_factory=list)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "ValidationCursor":
        """Return the cursor that was kept."""
        differing = [DifferingValue(**one) for one in kept["differing"]]
        after = None if kept["after"] is None else tuple(kept["after"])
        return cls(**{**kept, "upper": tuple(kept["upper"]), "after": after, "differing": differing})

    def evidence(self) -> dict[str, Any]:
        """Return what the journal keeps."""
        return {
            "rows": self.rows,
            "checksum": f"{self.checksum & (1 << 64) - 1:016x}",
            "differing_count": self.differing_count,
            "differing": [asdict(one) for one in self.differing],
        }


def validate(context: StepContext, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Compare every row of one table that exists now, range after range, from where an earlier process stopped.

    Parameters
    ----------
    context
        What the step works with.
    arguments
        ``table``; ``pairs``, :class:`ColumnPair` as JSON; ``twins``, :class:`TwinKey` as JSON, may be missing.

    Returns
    -------
    Mapping
        ``rows`` that were compared, their ``checksum``, ``differing_count``, and the first ``differing`` values.
    """
    pairs = [ColumnPair(**pair) for pair in arguments["pairs"]]
    twins = [TwinKey.from_json(twin) for twin in arguments.get("twins", ())]
    values = [
        *(_pair_value(pair, switched=context.switched) for pair in pairs),
        *(_twin_value(twin, pairs, switched=context.switched) for twin in twins),
    ]
    return _walked(context, arguments["table"], values)


def compare_lossy(context: StepContext, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the rows whose old value, by ``down``, does not give the new one; after the switch all that differ as well.

    Parameters
    ----------
    context, arguments
        As of :func:`validate`.
    """
    pairs = [ColumnPair(**pair) for pair in arguments["pairs"]]
    values = [_pair_value(pair, switched=context.switched, lossy=True) for pair in pairs]
    return _walked(context, arguments["table"], values)


def _walked(context: StepContext, table: str, values: Sequence[ComparedValue]) -> Mapping[str, Any]:
    with context.connect() as connection:
        connection.isolation_level = IsolationLevel.READ_COMMITTED
        connection.execute(_SESSION)
        key = read_row_key(connection, table)
        cursor = _first(context, connection, key)
        if cursor is None:
            return {"rows": 0, "checksum": f"{0:016x}", "differing_count": 0, "differing": []}
        for _ in _compare(context, connection, RowComparison(key, values), cursor):
            context.go_on()
    for line in _told(table, cursor):
        context.say(line)
    return cursor.evidence()


def _first(context: StepContext, connection: Connection[Any], key: RowKey) -> ValidationCursor | None:
    if kept := context.cursor(connection):
        return ValidationCursor.from_json(kept)
    upper = key.last(connection)
    return None if upper is None else ValidationCursor(upper)


def _compare(
    context: StepContext, connection: Connection[Any], comparison: RowComparison, cursor: ValidationCursor
) -> Iterator[None]:
    """Compare range after range; what was found is kept with each."""
    while cursor.after != cursor.upper:
        yield
        end = comparison.key.end(connection, cursor.after, cursor.upper, RANGE_ROWS)
        _compare_range(connection, comparison, cursor, end)
        with connection.transaction():
            context.keep(connection, asdict(cursor))
        context.at_point("after a range")


def _compare_range(
    connection: Connection[Any], comparison: RowComparison, cursor: ValidationCursor, end: KeyValues
) -> None:
    for _ in range(ATTEMPTS):
        sums = comparison.checksums(connection, cursor.after, end)
        named: list[DifferingValue] = []
        count = 0
        if not sums.equal:
            for after, upto in comparison.bisect(connection, cursor.after, end, sums.rows):
                left = max(NAMED_ROWS - cursor.differing_count - count, 0)
                found = comparison.differing(connection, after, upto, limit=left)
                named, count = named + found.values, count + found.count
        # A row that differed may have been written or deleted meanwhile: then the range is summed up again.
        if sums.equal or count:
            cursor.rows, cursor.checksum = cursor.rows + sums.rows, cursor.checksum ^ sums.found
            cursor.differing_count, cursor.after = cursor.differing_count + count, end
            cursor.differing += map(_shortened, named)
            return
    message = f"rows of {comparison.key.table.as_string()} up to {', '.join(end)} differ by their checksum"
    raise UnseenError(f"{message}, but no row does when it is looked at. Run it again.", code="HO684")


def _pair_value(pair: ColumnPair, *, switched: bool, lossy: bool = False) -> ComparedValue:
    """Return what a pair's new column should hold.

    Clients of the new shape write before the switch as well, so a new value may come first. Where the old one is what
    ``down`` gives for it, both are right, also if ``up`` would give another; a NULL is so only after the switch, as
    before it that is a row without its new value. With ``lossy`` such a value differs: before the switch it alone.
    """
    old, new = (sql.Identifier("t", name) for name in (pair.old(switched=switched), pair.new(switched=switched)))
    up, down = (declared(applied(way, column.as_string())) for way, column in ((pair.up, old), (pair.down, new)))
    expected = sql.SQL("CAST(({}) AS {})::text").format(up, declared(pair.type))
    if not (switched and lossy):
        found = sql.SQL("{}::text").format(new)
        same, other = (expected, found) if lossy else (found, expected)
        filled = sql.SQL("TRUE") if switched or lossy else sql.SQL("{} IS NOT NULL").format(new)
        expected = sql.SQL("CASE WHEN {} AND ({})::text IS NOT DISTINCT FROM {}::text THEN {} ELSE {} END").format(
            filled, down, old, same, other
        )
    return ComparedValue(pair.column, sql.SQL("{}::text").format(old), expected, sql.SQL("{}::text").format(new))


def _twin_value(twin: TwinKey, pairs: Sequence[ColumnPair], *, switched: bool) -> ComparedValue:
    """Return what the new columns of a foreign key should hold: what the row has that the old ones point at."""
    by_column = {pair.column: pair for pair in pairs}
    old, new = _both("t", [by_column[column] for column in twin.columns], switched=switched)
    parent_old, parent_new = _both("p", twin.parent_pairs, switched=switched)
    comma, also = sql.SQL(", "), sql.SQL(" AND ")
    given = also.join(sql.SQL("{} IS NOT NULL").format(column) for column in old)
    same = also.join(sql.SQL("{} = {}").format(*columns) for columns in zip(parent_old, old, strict=True))
    there = sql.SQL("SELECT ROW({})::text FROM {} p WHERE {}").format(
        comma.join(parent_new), table_named(twin.parent), same
    )
    return ComparedValue(
        twin.name,
        sql.SQL("ROW({})::text").format(comma.join(old)),
        sql.SQL("CASE WHEN {} THEN ({}) END").format(given, there),
        sql.SQL("CASE WHEN {} THEN ROW({})::text END").format(given, comma.join(new)),
    )


def _both(
    row: str, pairs: Iterable[ColumnPair], *, switched: bool
) -> tuple[list[sql.Identifier], list[sql.Identifier]]:
    """Return the columns of a row with the old values, and those with the new ones."""
    named = [(pair.old(switched=switched), pair.new(switched=switched)) for pair in pairs]
    return [sql.Identifier(row, old) for old, _ in named], [sql.Identifier(row, new) for _, new in named]


def _shortened(value: DifferingValue) -> DifferingValue:
    old, expected, found = (
        text if text is None or len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
        for text in (value.old, value.expected, value.found)
    )
    return DifferingValue(value.key, value.name, old, expected, found)


def _told(table: str, cursor: ValidationCursor) -> Iterator[str]:
    yield f"{table}: {counted(cursor.rows, 'row')} compared, {counted(cursor.differing_count, 'row')} differ"
    for one in cursor.differing:
        key = ", ".join(f"{column} {value}" for column, value in one.key.items())
        old, found, expected = (_shown(value) for value in (one.old, one.found, one.expected))
        yield f"  {key}: {one.name} is {old}, the new value is {found}, expected {expected}"


def _shown(value: str | None) -> str:
    return "NULL" if value is None else repr(value)

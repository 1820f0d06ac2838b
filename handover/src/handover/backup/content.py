"""What a database holds, in a form that a restored copy must equal: rows and a checksum a table, sequences."""

from dataclasses import asdict, dataclass, field
from typing import Any

from psycopg import Connection, sql

from handover.journal.journal import SCHEMA

_TABLES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%%'
       AND n.nspname NOT IN ('information_schema', %s) ORDER BY 1, 2
"""
_SEQUENCES = """
    SELECT schemaname || '.' || sequencename, coalesce(last_value, -1) FROM pg_sequences
     WHERE schemaname <> %s ORDER BY 1
"""
# The sum of a digest of each row does not depend on the order of the rows.
# Rows are compared as text, so nothing of a role or a server may change how values are written.
_AS_TEXT = (
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO, MDY'",
    "SET LOCAL IntervalStyle = 'postgres'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = 'hex'",
)
_SUM = "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text FROM {} t"


@dataclass(frozen=True)
class Content:
    """Rows and checksum by table, last value by sequence.

    Attributes
    ----------
    tables, sequences
        What was read.
    moved_to
        A sequence belongs to no snapshot: where it stood after the dump. A copy may have any value up to that.
    """

    tables: dict[str, tuple[int, str]]
    sequences: dict[str, int]
    moved_to: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(count for count, _ in self.tables.values())

    def differing(self, other: "Content") -> list[str]:
        """Return what is not the same in the other, a line each."""
        found = []
        sequences = {name: at for name, at in other.sequences.items() if not self._may_be(name, at)}
        ours_apart = {
            name: at for name, at in self.sequences.items() if name in sequences or name not in other.sequences
        }
        for kind, ours, theirs in (
            ("table", self.tables, other.tables),
            ("sequence", ours_apart, sequences),
        ):
            for name in sorted({*ours, *theirs}):
                mine, its = ours.get(name), theirs.get(name)
                if mine != its:
                    found.append(f"{kind} {name}: {_words(mine)} here, {_words(its)} in the copy")
        return found

    def _may_be(self, sequence: str, value: int) -> bool:
        low, high = self.sequences.get(sequence), self.moved_to.get(sequence)
        return low is not None and high is not None and low <= value <= high

    def plain(self) -> dict[str, Any]:
        """Return the content as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Content":
        """Return the content that :meth:`plain` wrote."""
        tables = {name: (int(rows), str(checksum)) for name, (rows, checksum) in plain["tables"].items()}
        return cls(tables, plain["sequences"], plain["moved_to"])


def content(connection: Connection[Any]) -> Content:
    """Read what a database holds, as the transaction of the connection sees it.

    Parameters
    ----------
    connection
        How it writes values is set for the rest of the transaction: rows are compared as text.
    """
    for statement in _AS_TEXT:
        connection.execute(statement)
    names = connection.execute(_TABLES, [SCHEMA]).fetchall()
    tables = {}
    for schema, name in names:
        row = connection.execute(sql.SQL(_SUM).format(sql.Identifier(schema, name))).fetchone()
        assert row is not None  # noqa: S101 - an aggregate has one row
        tables[f"{schema}.{name}"] = (int(row[0]), str(row[1]))
    return Content(tables, sequences(connection))


def sequences(connection: Connection[Any]) -> dict[str, int]:
    """Return the last value of each sequence, as it is at this moment."""
    return dict(connection.execute(_SEQUENCES, [SCHEMA]).fetchall())


def _words(value: object) -> str:
    if value is None:
        return "not there"
    return f"{value[0]} rows, checksum {value[1]}" if isinstance(value, tuple) else f"at {value}"

"""What a database holds, in a form that a restored copy must equal: rows and a checksum a table, sequences."""

from dataclasses import dataclass
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
_SUM = "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text FROM {} t"


@dataclass(frozen=True)
class Content:
    """Rows and checksum by table, last value by sequence."""

    tables: dict[str, tuple[int, str]]
    sequences: dict[str, int]

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(count for count, _ in self.tables.values())

    def differing(self, other: "Content") -> list[str]:
        """Return what is not the same in the other, a line each."""
        found = []
        for kind, ours, theirs in (
            ("table", self.tables, other.tables),
            ("sequence", self.sequences, other.sequences),
        ):
            for name in sorted({*ours, *theirs}):
                mine, its = ours.get(name), theirs.get(name)
                if mine != its:
                    found.append(f"{kind} {name}: {_words(mine)} here, {_words(its)} in the copy")
        return found


def content(connection: Connection[Any]) -> Content:
    """Read what a database holds, as the transaction of the connection sees it.

    Parameters
    ----------
    connection
        Its time zone is set for the rest of the transaction: times are compared as text.
    """
    connection.execute("SET LOCAL TimeZone = 'UTC'")
    names = connection.execute(_TABLES, [SCHEMA]).fetchall()
    tables = {}
    for schema, name in names:
        row = connection.execute(sql.SQL(_SUM).format(sql.Identifier(schema, name))).fetchone()
        assert row is not None  # noqa: S101 - an aggregate has one row
        tables[f"{schema}.{name}"] = (int(row[0]), str(row[1]))
    return Content(tables, dict(connection.execute(_SEQUENCES, [SCHEMA]).fetchall()))


def _words(value: object) -> str:
    if value is None:
        return "not there"
    return f"{value[0]} rows, checksum {value[1]}" if isinstance(value, tuple) else f"at {value}"

"""Which shape of a table each system writes while an evolution is under way, and a check that bounds a number there."""

from collections.abc import Mapping
from typing import Any

from psycopg import Connection, sql

from handover.schema.shape_views import read_shape_views

OTHER_SHAPES = (
    "an evolution is under way, and the two systems see different shapes of it, so its columns are not compared; every"
    " row of both shapes is compared by: handover evolve validate"
)
_RELATION = """
    SELECT n.nspname::text, c.relname::text, c.relkind = 'v'
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = %s
"""
_BOUNDS = """
    SELECT conname::text FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attname = %s
     WHERE conrelid = %s::regclass AND contype = 'c' AND conkey = ARRAY[attnum] ORDER BY 1
"""


def shape_names(connection: Connection[Any], relation: int) -> Mapping[str, str]:
    """Return the table's own name of each column, where a system sees a view of it; empty where it sees the table.

    Parameters
    ----------
    connection
        As the owner of the table.
    relation
        The number of what the system's statements reach.
    """
    row = connection.execute(_RELATION, [relation]).fetchone()
    if row is None or not row[2]:
        return {}
    schema, name, _ = row
    view = read_shape_views(connection, [schema]).get((schema, name))
    return {column: base for base, column in view.names.items()} if view else {}


def without_bounds(connection: Connection[Any], table: str, column: str) -> list[str]:
    """Drop each check on one column alone, so that writers can count up in it; return their names.

    Parameters
    ----------
    connection
        As the owner of the table, in a throw-away copy.
    table, column
        The table as SQL, and its own name of the column.
    """
    names = [name for (name,) in connection.execute(_BOUNDS, [column, table]).fetchall()]
    for name in names:
        statement = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.SQL(table), sql.Identifier(name))
        connection.execute(statement)
    return names

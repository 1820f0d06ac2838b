"""The owners of what is restored into a copy: each must be allowed to own something there while it is restored.

In the source they are, be it as the owner of the database; the copy belongs to whoever makes it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

# Each role that owns something, and whether it may do in the source what a restore asks of it.
OWNERS: LiteralString = """
WITH owners (role, schemas) AS (
    SELECT relowner, false FROM pg_class WHERE relnamespace = to_regnamespace('public')
    UNION SELECT proowner, false FROM pg_proc WHERE pronamespace = to_regnamespace('public')
    UNION SELECT typowner, false FROM pg_type WHERE typnamespace = to_regnamespace('public')
    UNION SELECT nspowner, true FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
)
SELECT rolname, schemas,
       CASE WHEN schemas THEN has_database_privilege(r.oid, current_database(), 'CREATE')
            ELSE has_schema_privilege(r.oid, 'public', 'CREATE') END
  FROM owners JOIN pg_roles r ON r.oid = role
 WHERE rolname <> current_user AND rolname !~ '^pg_' AND NOT rolsuper
"""


@dataclass(frozen=True)
class Right:
    """What one owner is lent: to make things in a schema, or schemas in the database."""

    role: str
    what: sql.Composed | sql.SQL
    kept: bool

    def said(self, form: LiteralString) -> sql.Composed:
        """Return the statement that grants or revokes it."""
        return sql.SQL(form).format(self.what, sql.Identifier(self.role))


@contextmanager
def lent(source: str, copy: str, name: str) -> Iterator[None]:
    """Let the source's owners own things in the copy; at the end each has the right only if it has it in the source.

    Parameters
    ----------
    source, copy
        URLs of both databases.
    name
        Of the copy.
    """
    with psycopg.connect(source) as connection:
        rows = connection.execute(OWNERS).fetchall()
    database: sql.Composed | sql.SQL = sql.SQL("DATABASE {}").format(sql.Identifier(name))
    rights = [Right(role, database if schemas else sql.SQL("SCHEMA public"), kept) for role, schemas, kept in rows]
    with psycopg.connect(copy, autocommit=True) as connection:
        _do(connection, "GRANT CREATE ON {} TO {}", rights)
    yield
    with psycopg.connect(copy, autocommit=True) as connection:
        _do(connection, "REVOKE CREATE ON {} FROM {}", [right for right in rights if not right.kept])


def _do(connection: psycopg.Connection[Any], form: LiteralString, rights: list[Right]) -> None:
    for right in rights:
        try:
            connection.execute(right.said(form))
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject):
            continue  # the restore will say what is missing: the role, or the right to own the schema

"""Rights for the owners of restored objects: each must be allowed to create objects in the copy during the restore.

In the source they have that right, perhaps as owner of the database. The copy belongs to the role that makes it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

# Each role that owns an object, and whether it has the right in the source that a restore needs.
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
class CreateGrant:
    """The right of one owner to create objects in a schema, or schemas in the database."""

    role: str
    what: sql.Composed | sql.SQL
    kept: bool

    def statement(self, form: LiteralString) -> sql.Composed:
        """Return the statement that grants or revokes the right."""
        return sql.SQL(form).format(self.what, sql.Identifier(self.role))


def read_owners(connection: psycopg.Connection[Any]) -> list[tuple[str, bool, bool]]:
    """Return each role that owns an object, whether it owns a schema, and whether it may create one there.

    The connection's own role is left out, since a restore as that role needs no grant.
    """
    return [(str(role), bool(schemas), bool(kept)) for role, schemas, kept in connection.execute(OWNERS).fetchall()]


@contextmanager
def granted(owners: Iterable[tuple[str, bool, bool]], copy: str, name: str) -> Iterator[None]:
    """Let the source's owners create objects in the copy; at the end each keeps the right only if the source grants it.

    Parameters
    ----------
    owners
        What :func:`read_owners` read in the source.
    copy
        URL of the copy.
    name
        Name of the copy.
    """
    database: sql.Composed | sql.SQL = sql.SQL("DATABASE {}").format(sql.Identifier(name))
    rights = [
        CreateGrant(role, database if schemas else sql.SQL("SCHEMA public"), kept) for role, schemas, kept in owners
    ]
    with psycopg.connect(copy, autocommit=True) as connection:
        _do(connection, "GRANT CREATE ON {} TO {}", rights)
    yield
    with psycopg.connect(copy, autocommit=True) as connection:
        _do(connection, "REVOKE CREATE ON {} FROM {}", [right for right in rights if not right.kept])


def _do(connection: psycopg.Connection[Any], form: LiteralString, rights: list[CreateGrant]) -> None:
    for right in rights:
        try:
            connection.execute(right.statement(form))
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject):
            continue  # the restore will say what is missing: the role, or the right to own the schema

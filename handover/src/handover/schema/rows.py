"""The rows that belong to the schema: migration histories, content types, permissions."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, LiteralString

from psycopg import Connection, sql

from handover.finding import Finding, SharedCause
from handover.schema.catalog import Catalog, Table
from handover.schema.subject import Rows
from handover.wording import identifier

HISTORY = "django_migrations"
TYPES = ("django_content_type", "auth_permission")


def readable(connection: Connection[Any], table: Table) -> bool:
    """Say whether the connected role may read a table, or a sequence."""
    # Without USAGE on the schema the second query is an error, so USAGE is checked first.
    schema: LiteralString = "SELECT has_schema_privilege(%s, 'USAGE')"
    of_table: LiteralString = "SELECT has_table_privilege(format('%%I.%%I', %s::text, %s::text), 'SELECT')"
    for query, names in ((schema, [table.schema]), (of_table, [table.schema, table.name])):
        if connection.execute(query, names).fetchone() != (True,):
            return False
    return True


def unreadable(catalog: Catalog, table: Table) -> Finding:
    """Return the finding that a table or a sequence may not be read, with the GRANT that is missing."""
    role = catalog.server["role"]
    schema, name = identifier(table.schema), f"{identifier(table.schema)}.{identifier(table.name)}"
    reader = identifier(role)
    todo = f"GRANT USAGE ON SCHEMA {schema} TO {reader}; GRANT SELECT ON {name} TO {reader};"
    found = f"may not be read by {role}"
    expected = "what it holds was not looked at"
    every = (
        f"GRANT USAGE ON SCHEMA {schema} TO {reader}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}; "
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {reader};"
    )
    cause = SharedCause(
        where=f"schema {table.schema}",
        found=f"holds what may not be read by {role}",
        expected=expected,
        part=str(table),
        todo=every,
    )
    return Finding(
        code="HO242",
        where=str(table),
        found=found,
        expected=expected,
        todo=todo,
        severity="unseen",
        hurts="both",
        cause=cause,
    )


def read_rows(connection: Connection[Any], catalog: Catalog, path: tuple[str, ...]) -> tuple[Rows, tuple[Finding, ...]]:
    """Read the rows of the schema.

    Parameters
    ----------
    connection, catalog
        The live database.
    path
        The schemas of the shared tables.
    """
    findings: list[Finding] = []
    applied = {}
    for table in [t for t in catalog.tables.values() if t.name == HISTORY]:
        if not readable(connection, table):
            findings.append(unreadable(catalog, table))
            continue
        query = sql.SQL("SELECT app, name FROM {}").format(sql.Identifier(*table.key))
        applied[table.key] = frozenset(connection.execute(query).fetchall())
    types, permissions = (catalog.find(path, name) for name in TYPES)
    present = [table for table in (types, permissions) if table]
    findings += [unreadable(catalog, table) for table in present if not readable(connection, table)]
    if types is None or permissions is None or findings:
        return Rows(applied), tuple(findings)
    labels = frozenset(_fetch(connection, "SELECT app_label, model FROM {}", types))
    query_permissions = "SELECT t.app_label, t.model, p.codename FROM {} p JOIN {} t ON t.id = p.content_type_id"
    known = frozenset(_fetch(connection, query_permissions, permissions, types))
    granted, unread = _granted(connection, catalog, permissions, types)
    return Rows(applied, labels, known, granted), unread


def _granted(
    connection: Connection[Any], catalog: Catalog, permissions: Table, types: Table
) -> tuple[dict[tuple[str, str, str], int], tuple[Finding, ...]]:
    """Count the rows that point at each permission: the grants of users and of groups, in tables of any name."""
    granted: Counter[tuple[str, str, str]] = Counter()
    findings = []
    for table, key in catalog.foreign_keys:
        if key.target != permissions.key or len(key.columns) != 1:
            continue
        if not readable(connection, table):
            findings.append(unreadable(catalog, table))
            continue
        query = sql.SQL(
            "SELECT t.app_label, t.model, p.codename, count(*) FROM {} g JOIN {} p ON p.id = g.{}"
            " JOIN {} t ON t.id = p.content_type_id GROUP BY 1, 2, 3"
        ).format(*(sql.Identifier(*t.key) for t in (table, permissions)), sql.Identifier(key.columns[0]),
                 sql.Identifier(*types.key))  # fmt: skip
        for label, model, codename, count in connection.execute(query).fetchall():
            granted[label, model, codename] += count
    return dict(granted), tuple(findings)


def _fetch(connection: Connection[Any], query: LiteralString, *tables: Table) -> Iterator[tuple[Any, ...]]:
    names = [sql.Identifier(*table.key) for table in tables]
    yield from connection.execute(sql.SQL(query).format(*names))

"""The rights that an evolution needs: each that is missing, with the statement that grants it."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from handover.config.evolve import EvolveSettings
from handover.evolve.catalog.facts import TableFacts, qualified
from handover.evolve.draft import EvolutionDraft, TableDraft
from handover.evolve.keys import shape_keys
from handover.evolve.objection import against
from handover.evolve.paths import RolePath
from handover.evolve.views import viewed
from handover.finding import Finding
from handover.wording import identifier

# Whether a role may read a table, and whether it may use the table's schema.
_READS = """
    SELECT has_table_privilege(%s::name, c.oid, 'SELECT'), has_schema_privilege(%s::name, n.oid, 'USAGE')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""
# A foreign key needs the first right on the table that it points at, the lock on it one of the others.
_POINTS = """
    SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'REFERENCES')
           AND has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE'), current_user::text
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""

# Whether policies decide which rows of a table a role sees; and whether it has the rights of the table's owner.
_HIDES = """
    SELECT c.relrowsecurity AND NOT (r.rolsuper OR r.rolbypassrls)
           AND (c.relforcerowsecurity OR NOT pg_has_role(r.oid, c.relowner, 'USAGE')),
           pg_has_role(r.oid, c.relowner, 'USAGE')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_roles r
     WHERE n.nspname = %s AND c.relname = %s AND r.rolname = %s
"""


def right_findings(
    connection: Connection[Any], settings: EvolveSettings, draft: EvolutionDraft, paths: tuple[RolePath, ...]
) -> Iterator[Finding]:
    """Yield each right that is missing.

    Parameters
    ----------
    connection
        As the owner of the tables.
    settings
        The section ``[evolve]``.
    draft, paths
        What becomes of the tables, and the old roles' search paths.
    """
    for table in draft.tables.values():
        yield from _owners_rights(table.facts)
        yield from _parents_rights(connection, table)
        yield from _hidden_rows(connection, table)
    yield from _key_rights(connection, draft)
    if viewed(draft):
        yield from _database(connection)
        yield from _paths(settings, paths)


def _owners_rights(facts: TableFacts) -> Iterator[Finding]:
    if not facts.is_owner:
        expected = f"only its owner may change it, and {facts.reader} has not that role's rights"
        yield against("HO670", facts.key, f"belongs to {facts.owner}", expected, facts.grant_owner)
    if not facts.reader_uses:
        found = f"is in schema {facts.schema}, which {facts.reader} may not use"
        todo = f"GRANT USAGE ON SCHEMA {identifier(facts.schema)} TO {identifier(facts.reader)}"
        yield against("HO670", facts.key, found, "its statements name that schema", todo)
    if not facts.owner_creates:
        yield against(
            "HO670",
            facts.key,
            f"belongs to {facts.owner}, which may not create in schema {facts.schema}",
            "the functions of the sync trigger go there",
            f"GRANT CREATE, USAGE ON SCHEMA {identifier(facts.schema)} TO {identifier(facts.owner)}",
        )


def _parents_rights(connection: Connection[Any], table: TableDraft) -> Iterator[Finding]:
    owner = table.facts.owner
    for key in {pair.follows.name: pair.follows for pair in table.pairs.values() if pair.follows}.values():
        reads, uses = connection.execute(_READS, [owner, owner, key.parent_schema, key.parent]).fetchone() or (0, 0)
        schema, parent = identifier(key.parent_schema), qualified(key.parent_schema, key.parent)
        for holds, todo in (
            (reads, f"GRANT SELECT ON {parent} TO {identifier(owner)}"),
            (uses, f"GRANT USAGE ON SCHEMA {schema} TO {identifier(owner)}"),
        ):
            if not holds:
                yield against(
                    "HO670",
                    table.facts.key,
                    f"belongs to {owner}, which may not read {key.parent}",
                    f"the sync trigger, which runs as that role, looks up what {key.name} points at",
                    todo,
                )


def _hidden_rows(connection: Connection[Any], table: TableDraft) -> Iterator[Finding]:
    """Yield each table of whose rows policies would hide some: from this session, or from the sync trigger's role."""
    facts = table.facts
    asked = {(facts.schema, facts.name, facts.reader)} if facts.rows_hidden and _reads_rows(table) else set()
    asked |= {(facts.schema, key.references, facts.reader) for key in table.foreign_keys}
    followed = [pair.follows for pair in table.pairs.values() if pair.follows]
    asked |= {(key.parent_schema, key.parent, facts.owner) for key in followed}
    for schema, name, role in sorted(asked):
        row = connection.execute(_HIDES, [schema, name, role]).fetchone()
        if row and row[0]:
            bypass = f"ALTER ROLE {identifier(role)} BYPASSRLS"
            instead = f"; or until the end: ALTER TABLE {qualified(schema, name)} NO FORCE ROW LEVEL SECURITY"
            yield against(
                "HO670",
                f"{schema}.{name}",
                f"has row-level security, and policies decide which of its rows {role} sees",
                "an evolution looks at every row",
                f"As a superuser: {bypass}{instead if row[1] else ''}",
            )


def _reads_rows(table: TableDraft) -> bool:
    return bool(table.synced or table.pairs or table.checks or table.not_null or table.foreign_keys or table.indexes)


def _key_rights(connection: Connection[Any], draft: EvolutionDraft) -> Iterator[Finding]:
    """Yield what this session lacks to make a foreign key to a table that does not change itself."""
    parents = {key.parent: key for key in shape_keys(draft) if key.parent not in draft.tables}
    for parent, key in parents.items():
        schema, name = parent.split(".", 1)
        row = connection.execute(_POINTS, [schema, name]).fetchone()
        if row and not row[0]:
            yield against(
                "HO670",
                key.table,
                f"has foreign key {key.final_name}, whose twin {row[1]} may not make",
                f"it points at {parent}, and that table is locked meanwhile",
                f"GRANT REFERENCES, UPDATE ON {qualified(schema, name)} TO {identifier(str(row[1]))}",
            )


def _database(connection: Connection[Any]) -> Iterator[Finding]:
    allowed = connection.execute("SELECT has_database_privilege(current_database(), 'CREATE')").fetchone()
    if not (allowed and allowed[0]):
        todo = f"GRANT CREATE ON DATABASE {connection.info.dbname} TO {connection.info.user}"
        found = f"lets {connection.info.user} create no schema"
        yield against("HO670", connection.info.dbname, found, "the views of a shape get a schema of their own", todo)


def _paths(settings: EvolveSettings, paths: tuple[RolePath, ...]) -> Iterator[Finding]:
    for one in paths:
        if not one.may_alter and not one.leads_to(settings.old_schema):
            yield against(
                "HO670",
                f"role {one.role}",
                f"has the search path {one.path}, and this session may not change it",
                "old clients must find the views of the old shape before the tables",
                f"As a superuser, or with the admin option on {one.role}: {one.set_statement(settings.old_schema)}",
            )

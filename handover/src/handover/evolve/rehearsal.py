"""Tries the statements of an evolution on empty temporary tables, in a transaction that is rolled back."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from psycopg import Connection, Error

from handover.evolve.catalog.facts import TableFacts
from handover.evolve.draft import CreatedTable, EvolutionDraft, TableDraft
from handover.evolve.expression import applied
from handover.evolve.keys import index_sql, new_checks, shape_keys, twin_indexes
from handover.evolve.objection import against
from handover.evolve.starting import (
    add_columns,
    created_columns,
    kept_pairs,
    referenced_table,
    sql_name,
    table_defaults,
)
from handover.evolve.sync import conversion_functions, sync_function, sync_trigger
from handover.finding import Finding
from handover.wording import identifier

TEMPORARY = "pg_temp"
_FILE = "SELECT pg_relation_filenode(%s::regclass)"


def rehearsal_findings(connection: Connection[Any], draft: EvolutionDraft) -> list[Finding]:
    """Return what would fail, or would rewrite a table, when the evolution's statements ran."""
    found: list[Finding] = []
    for table in draft.tables.values():
        # A copy of the structure alone; no lock, no row, and at the end not even the copy.
        with connection.transaction(force_rollback=True):
            connection.execute(
                f"CREATE TEMPORARY TABLE {identifier(table.facts.name)} (LIKE {table.facts.sql})".encode()
            )
            found += _rehearsed(connection, draft, on_copy(table))
    found += _created(connection, draft)
    found += _keys(connection, draft)
    return found


def on_copy(table: TableDraft) -> TableDraft:
    """Return the same draft for the temporary copy of its table."""
    facts: TableFacts = replace(table.facts, schema=TEMPORARY)
    return replace(table, facts=facts)


def _rehearsed(connection: Connection[Any], draft: EvolutionDraft, table: TableDraft) -> Iterator[Finding]:
    name = table.facts.name
    before = _file(connection, table)
    if table.pairs or table.added:
        if failed := _failure(connection, add_columns(table)):
            yield _wrong(name, "the new columns", failed)
            return
        if _file(connection, table) != before:
            yield _rewrites(name)
    for column in table.pairs:
        yield from _conversion(connection, table, column)
    yield from _kept_columns(connection, table)
    yield from _looked_up(connection, table)
    for what, sql in _rest(draft, table):
        if failed := _failure(connection, sql):
            yield _wrong(name, what, failed)


def _rest(draft: EvolutionDraft, table: TableDraft) -> Iterator[tuple[str, str]]:
    """Yield what else the start makes on a table, and the statement, as it can run in a transaction."""
    if table.synced:
        yield "the sync function", sync_function(draft, table, switched=False)
        yield "the sync trigger", sync_trigger(table)
    if defaults := table_defaults(table):
        yield "these defaults", defaults
    for old, pair in table.pairs.items():
        if pair.default:
            column = identifier(table.pair(old).shadow)
            sql = f"ALTER TABLE {table.facts.sql} ALTER COLUMN {column} SET DEFAULT {pair.default}"
            yield f"the new default of {old}", sql
    yield from ((f"the twin of index {twin.old.name}", _plain(twin.sql)) for twin in twin_indexes(table))
    yield from ((f"index {index.name}", _plain(index_sql(table, index))) for index in table.indexes)
    for check in new_checks(table):
        add = f"ADD CONSTRAINT {identifier(check.name)} CHECK ({check.condition})"
        yield f"check {check.final_name or check.name}", f"ALTER TABLE {table.facts.sql} {add}"


def _conversion(connection: Connection[Any], table: TableDraft, column: str) -> Iterator[Finding]:
    where = f"{table.facts.name}.{column}"
    for sql in conversion_functions(table, column):
        if failed := _failure(connection, sql):
            yield _wrong(where, "a conversion", failed)
            return
    pair = table.pairs[column]
    named = table.pair(column)
    ways = (("up", pair.up, named.column), ("down", pair.down, named.shadow))
    for way, text, value in () if pair.repeatable else ways:
        # PostgreSQL lets an index only use what always gives the same result; a conversion must be the same.
        sql = f"CREATE INDEX ON {table.facts.sql} ((({applied(text, identifier(value))}) IS NULL))"
        if failed := _failure(connection, sql):
            yield against(
                "HO668",
                where,
                f"has a conversion ({way}) that does not always give the same result: {failed}",
                "sessions with other settings would write other values",
                "Use functions that are IMMUTABLE; name a time zone with AT TIME ZONE. If the result is the same"
                " nevertheless, say so: repeatable = true.",
            )


def _kept_columns(connection: Connection[Any], table: TableDraft) -> Iterator[Finding]:
    for pair in kept_pairs(table):
        # The trigger has this search path: what stands in another schema must be named with it.
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
            failed = _failure(connection, f"CREATE INDEX ON {table.facts.sql} (((({pair.up})::{pair.type}) IS NULL))")
        if failed:
            yield _wrong(f"{table.facts.name}.{pair.renamed}", "that expression", failed)


def _looked_up(connection: Connection[Any], table: TableDraft) -> Iterator[Finding]:
    """Yield the columns whose parent the trigger could not look up: it knows PostgreSQL's own types alone."""
    query = (
        "SELECT t.typnamespace = 'pg_catalog'::regnamespace OR t.typtype = 'e' FROM pg_attribute a"
        " JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = to_regclass(%s) AND a.attname = %s"
    )
    for column, pair in table.pairs.items():
        row = connection.execute(query, [table.facts.sql, table.pair(column).shadow]).fetchone()
        if pair.follows and not (row and row[0]):
            yield against(
                "HO668",
                f"{table.facts.name}.{column}",
                f"would point at a key of type {pair.type}, which an extension made",
                "the trigger looks up the row that a new value points at, and knows PostgreSQL's own types alone",
                "Change the key to one of these.",
            )


def _created(connection: Connection[Any], draft: EvolutionDraft) -> Iterator[Finding]:
    made = {f"{draft.schema}.{one.name}" for one in draft.created}
    for created in draft.created:
        for parent in filter(None, (referenced_table(one, draft.schema) for one in created.constraints)):
            there = connection.execute("SELECT to_regclass(%s)", [sql_name(parent)]).fetchone()
            if not (there and there[0]) and parent not in made:
                yield _wrong(created.name, "a foreign key", f"{parent} is not there")
        yield from _new_table(connection, draft, created)
        yield from _new_rights(connection, created)
        for column, definition in created.columns.items():
            if referenced_table(definition, draft.schema):
                yield against(
                    "HO667",
                    f"{created.name}.{column}",
                    "has a foreign key in its definition",
                    "the lock that it takes on the other table would not be seen in the plan",
                    'Write it as a constraint: constraints = ["FOREIGN KEY (…) REFERENCES …"].',
                )


def _new_table(connection: Connection[Any], draft: EvolutionDraft, created: CreatedTable) -> Iterator[Finding]:
    sql = f"CREATE TEMPORARY TABLE {identifier(created.name)} ({created_columns(created, draft.schema)})"
    if "REFERENCES" not in sql.upper():  # such a column has a finding of its own
        with connection.transaction(force_rollback=True):
            failed = _failure(connection, sql)
        if failed:
            yield _wrong(created.name, "these columns", failed)


def _new_rights(connection: Connection[Any], created: CreatedTable) -> Iterator[Finding]:
    """Yield what of a new table the roles of its ``grants`` could not use."""
    for role in created.grants:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
            yield _wrong(created.name, "grants", f"there is no role {role}")
    for column, definition in created.columns.items():
        if created.grants and re.match(r"\s*(?:(?:small|big)?serial|serial[248])\b", definition, re.IGNORECASE):
            yield against(
                "HO668",
                f"{created.name}.{column}",
                "is a serial, whose sequence the roles of `grants` could not use",
                "who inserts a row must have its number",
                "Write GENERATED BY DEFAULT AS IDENTITY: its sequence needs no right.",
            )


def _keys(connection: Connection[Any], draft: EvolutionDraft) -> Iterator[Finding]:
    """Yield the foreign keys whose two columns could not be compared."""
    for key in shape_keys(draft):
        for column, there in zip(key.columns, key.parent_columns, strict=True):
            types = _type(connection, draft, key.table, column), _type(connection, draft, key.parent, there)
            if None in types:
                yield _wrong(key.table, f"foreign key {key.final_name}", f"{key.parent} has no column {there}")
            elif failed := _failure(connection, f"SELECT NULL::{types[0]} = NULL::{types[1]}"):
                yield against(
                    "HO665",
                    f"{key.table.partition('.')[2]}.{column}",
                    f"has foreign key {key.final_name}, whose columns would be {types[0]} and {types[1]}: {failed}",
                    "a key and what it points at are compared",
                    "Change the other column as well.",
                )


def _type(connection: Connection[Any], draft: EvolutionDraft, table: str, column: str) -> str | None:
    """Return the type that a column of the new shape has; None when there is no such column."""
    there = draft.tables.get(table)
    if there is None:
        query = (
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attname = %s AND attnum > 0 AND NOT attisdropped"
        )
        row = connection.execute(query, [sql_name(table), column]).fetchone()
        return str(row[0]) if row else None
    old = there.old_name(column)
    if old in there.pairs:
        return there.pairs[old].type
    if old in there.facts.columns:
        return there.facts.columns[old].type
    return there.added[column].type if column in there.added else None


def _plain(sql: str) -> str:
    return sql.replace(" CONCURRENTLY", "", 1)


def _file(connection: Connection[Any], table: TableDraft) -> int | None:
    row = connection.execute(_FILE, [table.facts.sql]).fetchone()
    return row[0] if row else None


def _failure(connection: Connection[Any], sql: str) -> str:
    """Return the words of the database when it refuses a statement; empty when it takes it."""
    try:
        with connection.transaction():
            connection.execute(sql.encode())
    except Error as error:
        return str(error).splitlines()[0]
    return ""


def _wrong(where: str, what: str, words: str) -> Finding:
    todo = "Correct the operation in the evolution's file."
    return against("HO668", where, f"cannot have {what}: {words}", "PostgreSQL takes each statement", todo)


def _rewrites(where: str) -> Finding:
    return against(
        "HO667",
        where,
        "would be rewritten by a new column",
        "readers and writers would wait until all rows are written anew",
        "Use a default that is the same for every row; for a computed value use add_generated_column.",
    )

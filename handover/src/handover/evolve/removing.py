"""The steps that take away everything a start makes, also when only half of it is there."""

from collections.abc import Iterator

from handover.evolve.catalog.facts import qualified
from handover.evolve.draft import TableDraft
from handover.evolve.keys import new_checks, shape_keys
from handover.evolve.locks import LockedStatements
from handover.evolve.starting import StageParts, moved_defaults, referenced_table, sql_name
from handover.evolve.statement import EvolveStatement, EvolveStep
from handover.evolve.sync import function_name
from handover.evolve.views import viewed
from handover.schema.evolved import SYNC_TRIGGER
from handover.wording import identifier


def remove_steps(parts: StageParts) -> Iterator[EvolveStep]:
    """Yield the steps, the last made first."""
    make, draft = parts.make, parts.draft
    if viewed(draft):
        yield from _views(parts)
    for table in draft.tables.values():
        for index in table.indexes:
            name = qualified(table.facts.schema, index.name)
            sql = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
            yield EvolveStep(
                name=f"{table.facts.key}: without index {index.name}",
                how="alone",
                statements=(make.concurrent(sql, table.facts.key),),
            )
    for key in shape_keys(draft):
        locks = [make.lock(sql_name(key.parent), key.parent, "ACCESS EXCLUSIVE")] if key.parent != key.table else []
        drop = f"ALTER TABLE {sql_name(key.table)} DROP CONSTRAINT IF EXISTS {identifier(key.name)}"
        yield EvolveStep(
            name=f"{key.table}: without foreign key {key.name}",
            statements=(*locks, make.exclusive(drop, key.table)),
        )
    for created in draft.created:
        parents = dict.fromkeys(filter(None, (referenced_table(one, draft.schema) for one in created.constraints)))
        locked = [make.lock(sql_name(parent), parent, "ACCESS EXCLUSIVE") for parent in parents]
        place = f"{draft.schema}.{created.name}"
        gone = make.exclusive(f"DROP TABLE IF EXISTS {sql_name(place)}", place)
        yield EvolveStep(name=f"{place}: without the new table", statements=(*locked, gone))
    for table in reversed(parts.ordered()):
        if statements := tuple(_columns(make, table)):
            yield EvolveStep(name=f"{table.facts.key}: without shadow columns and trigger", statements=statements)
    yield from functions_gone(parts)


def _views(parts: StageParts) -> Iterator[EvolveStep]:
    make, settings = parts.make, parts.settings
    if moved := parts.moved_paths():
        statements = tuple(make.free(one.restore_statement()) for one in moved)
        yield EvolveStep(name="search paths of the old roles, as they were", statements=statements)
    schemas = (settings.new_schema, settings.old_schema)
    statements = tuple(one for schema in schemas for one in drop_views(make, viewed(parts.draft), schema))
    statements += tuple(_defaults(make, viewed(parts.draft)))
    yield EvolveStep(name="without the views of both shapes", statements=statements)


def drop_views(make: LockedStatements, tables: list[TableDraft], schema: str) -> Iterator[EvolveStatement]:
    """Yield the statements that drop a schema's views and the schema.

    Parameters
    ----------
    make
        Makes the statements.
    tables, schema
        The tables that have views, and the schema.
    """
    for table in tables:
        view = qualified(schema, table.facts.name)
        yield make.exclusive(f"DROP VIEW IF EXISTS {view}", f"{schema}.{table.facts.name}")
    # Without CASCADE: what others made in it is theirs, and stops this with its name.
    yield make.free(f"DROP SCHEMA IF EXISTS {identifier(schema)}")


def _defaults(make: LockedStatements, tables: list[TableDraft]) -> Iterator[EvolveStatement]:
    """Yield the statements that give the tables their defaults back."""
    for table in tables:
        changed = [*moved_defaults(table), *(name for name, down in table.dropped.items() if down)]
        parts = [f"ALTER COLUMN {identifier(name)} {_default(table, name)}" for name in changed]
        if parts:
            yield make.exclusive(f"ALTER TABLE {table.facts.sql} {', '.join(parts)}", table.facts.key)


def _default(table: TableDraft, name: str) -> str:
    default = table.facts.columns[name].default
    return f"SET DEFAULT {default}" if default else "DROP DEFAULT"


def _columns(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStatement]:
    key = table.facts.key
    if table.synced:
        drop = f"DROP TRIGGER IF EXISTS {identifier(SYNC_TRIGGER)} ON {table.facts.sql}"
        yield make.exclusive(drop, key)
    gone = [f"DROP CONSTRAINT IF EXISTS {identifier(check.name)}" for check in new_checks(table)]
    shadows = [table.pair(column).shadow for column in table.pairs]
    gone += [f"DROP COLUMN IF EXISTS {identifier(name)}" for name in (*shadows, *table.added)]
    if gone:
        yield make.exclusive(f"ALTER TABLE {table.facts.sql} {', '.join(gone)}", key)


def functions_gone(parts: StageParts) -> Iterator[EvolveStep]:
    """Yield the step that drops the functions of all tables; no table is locked any more."""
    statements = [one for table in parts.draft.tables.values() for one in _functions(parts.make, table)]
    if statements:
        yield EvolveStep(name="without the functions of the sync triggers", statements=tuple(statements))


def _functions(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStatement]:
    if table.synced:
        yield make.free(f"DROP FUNCTION IF EXISTS {function_name(table)}()")
    for column, pair in table.pairs.items():
        up, down = table.function_sql(column, "up"), table.function_sql(column, "down")
        yield make.free(f"DROP FUNCTION IF EXISTS {up}({pair.column.base_type})")
        yield make.free(f"DROP FUNCTION IF EXISTS {down}({pair.type})")

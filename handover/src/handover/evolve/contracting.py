"""The steps of the contract: what is old goes, and the catalog becomes that of a fresh schema."""

from collections.abc import Iterator

from handover.evolve.catalog.facts import ColumnFacts, IndexFacts, qualified
from handover.evolve.counting import expected_sequences
from handover.evolve.draft import PairDraft, TableDraft
from handover.evolve.keys import ShapeKey, new_checks, shape_keys, twin_indexes
from handover.evolve.locks import LockedStatements
from handover.evolve.order import in_a_circle
from handover.evolve.removing import drop_views, functions_gone
from handover.evolve.starting import StageParts, new_defaults, sql_name
from handover.evolve.statement import EvolveStatement, EvolveStep
from handover.evolve.sync import kept_column_function, kept_function_name, kept_trigger_name
from handover.evolve.taken_rights import rights_step
from handover.evolve.views import grants, viewed
from handover.schema.evolved import SYNC_TRIGGER
from handover.schema.types import canonical_type
from handover.wording import identifier, literal

_SEQUENCE = "handover.evolve_sequence"


def contract_steps(parts: StageParts) -> Iterator[EvolveStep]:
    """Yield the steps, in order."""
    make, draft, settings = parts.make, parts.draft, parts.settings
    tables = viewed(draft)
    yield from rights_step(parts)
    if tables:
        if moved := parts.moved_paths():
            statements = tuple(make.free(one.restore_statement()) for one in moved)
            yield EvolveStep(name="search paths of the old roles, as they were", statements=statements)
        statements = tuple(drop_views(make, tables, settings.old_schema))
        yield EvolveStep(name="without the views of the old shape", statements=statements)
    for key in shape_keys(draft):
        if key.replaces:
            yield _old_key(make, key)
    yield from _tables(parts)
    yield from functions_gone(parts)
    for table in draft.tables.values():
        for name in table.dropped_indexes:
            sql = f"DROP INDEX CONCURRENTLY IF EXISTS {qualified(table.facts.schema, name)}"
            yield EvolveStep(
                name=f"{table.facts.key}: without index {name}",
                how="alone",
                statements=(make.concurrent(sql, table.facts.key),),
            )
    if tables:
        statements = tuple(drop_views(make, tables, settings.new_schema))
        yield EvolveStep(name="without the views of the new shape", statements=statements)


def _old_key(make: LockedStatements, key: ShapeKey) -> EvolveStep:
    table = sql_name(key.table)
    locks = [make.lock(sql_name(key.parent), key.parent, "ACCESS EXCLUSIVE")] if key.parent != key.table else []
    statements = [
        make.exclusive(f"ALTER TABLE {table} DROP CONSTRAINT {identifier(key.final_name)}", key.table),
        make.exclusive(
            f"ALTER TABLE {table} RENAME CONSTRAINT {identifier(key.name)} TO {identifier(key.final_name)}", key.table
        ),
    ]
    if key.replaces and key.replaces.comment:
        statements.append(
            _comment(make, f"CONSTRAINT {identifier(key.final_name)} ON {table}", key.replaces.comment, key.table)
        )
    return EvolveStep(
        name=f"{key.table}: the new foreign key takes the place of {key.final_name}", statements=(*locks, *statements)
    )


def _tables(parts: StageParts) -> Iterator[EvolveStep]:
    """Yield a step a table, children first: their triggers read the parent's old column."""
    found = [(table.facts.key, tuple(_table(parts.make, table))) for table in reversed(parts.ordered())]
    found = [(key, statements) for key, statements in found if statements]
    if not in_a_circle(parts.draft):
        for key, done in found:
            counted = {"sequences": expected_sequences(parts.draft.tables[key])}
            yield EvolveStep(name=f"{key}: the new shape alone", statements=done, arguments=counted)
    elif found:
        every = tuple(one for _, statements in found for one in statements)
        counted = {"sequences": [one for key, _ in found for one in expected_sequences(parts.draft.tables[key])]}
        name = f"{', '.join(key for key, _ in found)}: the new shape alone"
        yield EvolveStep(name=name, statements=every, arguments=counted)


def _table(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStatement]:
    key, name = table.facts.key, table.facts.sql
    if table.synced:
        yield make.exclusive(f"DROP TRIGGER {identifier(SYNC_TRIGGER)} ON {name}", key)
        yield from _kept(make, table)
    yield from _sequences_away(make, table)
    old = [*table.pairs, *table.dropped]
    if gone := [identifier(table.physical_old(column, switched=True)) for column in old]:
        yield make.exclusive(f"ALTER TABLE {name} {', '.join(f'DROP COLUMN {one}' for one in gone)}", key)
    yield from _required(make, table)
    for twin in twin_indexes(table):
        yield from _index(make, table, twin.old, twin.name)
    yield from _checks(make, table)
    yield from _names(make, table)
    for pair in table.pairs.values():
        yield from _column(make, table, pair.column, pair)


def _kept(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStatement]:
    """Yield what goes on keeping the columns that follow from others."""
    if table.keeps_columns:
        yield make.free(kept_column_function(table))
        yield make.free(f"ALTER FUNCTION {kept_function_name(table)}() OWNER TO {identifier(table.facts.owner)}")
        trigger = f"CREATE TRIGGER {identifier(kept_trigger_name(table))} BEFORE INSERT OR UPDATE ON {table.facts.sql}"
        sql = f"{trigger} FOR EACH ROW EXECUTE FUNCTION {kept_function_name(table)}()"
        yield make.writers_wait(sql, table.facts.key)


def _sequences_away(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStatement]:
    for column, pair in table.pairs.items():
        sequence = pair.column.sequence
        if sequence is None or not pair.counts_on:
            continue  # it goes with the old column
        if pair.column.identity:
            # It goes with its column, so that its name is free; where it stood is kept until then.
            setting = literal(f"{_SEQUENCE}_{pair.column.number}")
            value = "last_value || ',' || is_called"
            yield make.free(f"SELECT pg_catalog.set_config({setting}, {value}, true) FROM {sequence.sql}")
        else:
            owner = f"{table.facts.sql}.{identifier(table.new_name(column))}"
            yield make.exclusive(f"ALTER SEQUENCE {sequence.sql} OWNED BY {owner}", table.facts.key)


def _required(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStatement]:
    """Yield NOT NULL for each column whose check says so already: then PostgreSQL reads no row."""
    checks = [check for check in new_checks(table) if check.not_null]
    if not checks:
        return
    shadows = {table.pair(column).shadow: table.new_name(column) for column in table.pairs}
    names = [shadows.get(check.column, table.new_name(check.column)) for check in checks]
    required = ", ".join(f"ALTER COLUMN {identifier(name)} SET NOT NULL" for name in names)
    yield make.exclusive(f"ALTER TABLE {table.facts.sql} {required}", table.facts.key)
    gone = ", ".join(f"DROP CONSTRAINT {identifier(check.name)}" for check in checks)
    yield make.exclusive(f"ALTER TABLE {table.facts.sql} {gone}", table.facts.key)


def _index(make: LockedStatements, table: TableDraft, old: IndexFacts, name: str) -> Iterator[EvolveStatement]:
    key, sql = table.facts.key, table.facts.sql
    if old.constraint:
        kind = "PRIMARY KEY" if old.primary else "UNIQUE"
        add = f"ADD CONSTRAINT {identifier(old.constraint)} {kind} USING INDEX {identifier(name)}"
        yield make.exclusive(f"ALTER TABLE {sql} {add}", key)
        if old.constraint_comment:
            what = f"CONSTRAINT {identifier(old.constraint)} ON {sql}"
            yield _comment(make, what, old.constraint_comment, key)
    else:
        rename = f"ALTER INDEX {qualified(table.facts.schema, name)} RENAME TO {identifier(old.name)}"
        yield make.beside(rename, f"{table.facts.schema}.{name}")
    if old.comment:
        yield _comment(make, f"INDEX {qualified(table.facts.schema, old.name)}", old.comment, key)


def _checks(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStatement]:
    for check in new_checks(table):
        if check.drops:
            drop = f"DROP CONSTRAINT {identifier(check.drops)}"
            yield make.exclusive(f"ALTER TABLE {table.facts.sql} {drop}", table.facts.key)
        if check.final_name and check.final_name != check.name:
            rename = f"RENAME CONSTRAINT {identifier(check.name)} TO {identifier(check.final_name)}"
            yield make.exclusive(f"ALTER TABLE {table.facts.sql} {rename}", table.facts.key)


def _names(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStatement]:
    """Yield what gives indexes and constraints the names that follow from a renamed column's."""
    facts = table.facts
    indexes = {one.name for one in facts.indexes if not one.constraint}
    for old, new in [*table.new_names.items(), *_not_null_names(table)]:
        if old in indexes:
            rename = f"ALTER INDEX {qualified(facts.schema, old)} RENAME TO {identifier(new)}"
            yield make.beside(rename, f"{facts.schema}.{old}")
        else:
            rename = f"RENAME CONSTRAINT {identifier(old)} TO {identifier(new)}"
            yield make.exclusive(f"ALTER TABLE {facts.sql} {rename}", facts.key)


def _not_null_names(table: TableDraft) -> Iterator[tuple[str, str]]:
    for old, new in table.renamed.items():
        usual = f"{table.facts.name}_{old}_not_null"
        if old not in table.pairs and table.facts.columns[old].not_null_name == usual:
            yield usual, f"{table.facts.name}_{new}_not_null"


def _column(
    make: LockedStatements, table: TableDraft, column: ColumnFacts, pair: PairDraft
) -> Iterator[EvolveStatement]:
    key = table.facts.key
    name = table.new_name(column.name)
    alter = f"ALTER TABLE {table.facts.sql} ALTER COLUMN {identifier(name)}"
    if pair.counts_on and column.identity:
        yield from _identity(make, table, pair, alter)
    elif pair.counts_on and column.sequence:
        to = canonical_type(pair.type)
        options = column.sequence.options_as(to).sql
        yield make.exclusive(f"ALTER SEQUENCE {column.sequence.sql} AS {to} {options}", key)
        yield make.exclusive(f"{alter} SET DEFAULT {column.default}", key)
    elif default := new_defaults(table).get(name):
        yield make.exclusive(f"{alter} SET DEFAULT {default}", key)
    if column.comment:
        yield _comment(make, f"COLUMN {table.facts.sql}.{identifier(name)}", column.comment, key)


def _identity(make: LockedStatements, table: TableDraft, pair: PairDraft, alter: str) -> Iterator[EvolveStatement]:
    column, sequence = pair.column, pair.column.sequence
    if sequence is None:
        return
    kind = "ALWAYS" if column.identity == "a" else "BY DEFAULT"
    options = f"SEQUENCE NAME {sequence.sql} {sequence.options_as(canonical_type(pair.type)).sql}"
    yield make.exclusive(f"{alter} ADD GENERATED {kind} AS IDENTITY ({options})", table.facts.key)
    setting = f"pg_catalog.current_setting({literal(f'{_SEQUENCE}_{column.number}')})"
    last = f"pg_catalog.split_part({setting}, ',', 1)::bigint"
    called = f"pg_catalog.split_part({setting}, ',', 2)::boolean"
    yield make.free(f"SELECT pg_catalog.setval({literal(sequence.sql)}, {last}, {called})")
    for grant in grants(sequence.rights, f"SEQUENCE {sequence.sql}", ("SELECT", "USAGE", "UPDATE")):
        yield make.free(grant)


def _comment(make: LockedStatements, what: str, text: str, table: str) -> EvolveStatement:
    return make.beside(f"COMMENT ON {what} IS {literal(text)}", table)

"""The trigger that keeps both shapes of a table in step, and the functions that convert single values."""

from collections.abc import Iterator

from handover.evolve.catalog.facts import IndexFacts, qualified
from handover.evolve.draft import EvolutionDraft, PairDraft, TableDraft
from handover.evolve.names import short_name
from handover.evolve.rewording import with_names
from handover.evolve.session import FIXED
from handover.evolve.statement import ColumnPair
from handover.schema.evolved import SYNC_TRIGGER
from handover.wording import identifier, literal

# Keys that one transaction holds at most: a bulk load must not fill the server's table of locks.
KEYS_HELD = 50
_HELD = "handover.evolve_keys"
# A value is converted alike in every session, whatever that has set.
_SETTINGS = " SET search_path = pg_catalog, pg_temp" + "".join(f" SET {name} = {to}" for name, to in FIXED.items())


def function_name(table: TableDraft) -> str:
    """Return the name of the trigger's function, as SQL."""
    return qualified(table.facts.schema, table.sync_function)


def conversion_functions(table: TableDraft, column: str) -> Iterator[str]:
    """Yield the statements that make the two functions of a pair.

    Their bodies are parsed when they are made, so no search path of a later session changes what they mean.
    """
    draft = table.pairs[column]
    # PostgreSQL puts such a function's body in the place of its call only when the body is no less fixed than it says.
    fixed = "STABLE" if draft.repeatable else "IMMUTABLE"
    for way, takes, gives, expression in (
        ("up", draft.column.base_type, draft.type, draft.up),
        ("down", draft.type, draft.column.type, draft.down),
    ):
        yield (
            f"CREATE FUNCTION {table.function_sql(column, way)}({takes}) RETURNS {gives}"
            f" LANGUAGE sql {fixed} PARALLEL SAFE RETURN ({expression})"
        )


def sync_function(draft: EvolutionDraft, table: TableDraft, *, switched: bool) -> str:
    """Return the statement that makes the trigger's function, for the column names of before or after the switch.

    It runs as its owner, as foreign keys do: it reads keys that the writing role may not read. Its search path is
    PostgreSQL's own schema alone.

    Parameters
    ----------
    draft
        All tables.
    table
        The one that has the trigger.
    switched
        Whether the columns have the names of after the switch.
    """
    lines = [
        "BEGIN",
        "  IF TG_OP = 'INSERT' THEN",
        *(f"    {line}" for line in _on_insert(draft, table, switched=switched)),
        "  ELSE",
        *(f"    {line}" for line in _on_update(draft, table, switched=switched)),
        "  END IF;",
        *(f"  {line}" for line in _kept_columns(table, switched=switched)),
        "  RETURN NEW;",
        "END",
    ]
    body = "\n".join(lines)
    return (
        f"CREATE OR REPLACE FUNCTION {function_name(table)}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        f"{_SETTINGS} AS {literal(body)}"
    )


def sync_trigger(table: TableDraft) -> str:
    """Return the statement that makes the trigger."""
    return (
        f"CREATE TRIGGER {identifier(SYNC_TRIGGER)} BEFORE INSERT OR UPDATE ON {table.facts.sql}"
        f" FOR EACH ROW EXECUTE FUNCTION {function_name(table)}()"
    )


def kept_column_function(table: TableDraft) -> str:
    """Return the function that stays after the evolution: it keeps the columns that follow from others."""
    body = "\n".join(["BEGIN", *(f"  {line}" for line in _kept_columns(table, switched=True)), "  RETURN NEW;", "END"])
    return (
        f"CREATE FUNCTION {kept_function_name(table)}() RETURNS trigger LANGUAGE plpgsql{_SETTINGS} AS {literal(body)}"
    )


def kept_function_name(table: TableDraft) -> str:
    """Return the name of the function that stays, as SQL."""
    return qualified(table.facts.schema, kept_trigger_name(table))


def kept_trigger_name(table: TableDraft) -> str:
    """Return the name of the trigger and of the function that stay after the evolution."""
    return short_name(f"zz_{table.facts.name}", "_kept")


def shadow_keys(table: TableDraft) -> Iterator[IndexFacts]:
    """Yield the unique indexes that have a paired column, so that one key is in two unique indexes."""
    for index in table.facts.indexes:
        plain = index.unique and index.valid and not index.has_expressions and not index.partial
        if plain and index.name not in table.dropped_indexes and set(index.keys) & set(table.pairs):
            yield index


def _on_insert(draft: EvolutionDraft, table: TableDraft, *, switched: bool) -> Iterator[str]:
    for column, pair in table.pairs.items():
        named = table.pair(column)
        old, new = _new(named.old(switched=switched)), _new(named.new(switched=switched))
        # The new value wins: it has no default on the table, the old one may come from a default.
        yield f"IF {new} IS NOT NULL THEN"
        yield f"  {old} := {_down(draft, table, pair, named, switched=switched)};"
        yield "ELSE"
        yield f"  {new} := {table.function_sql(column, 'up')}({old});"
        yield "END IF;"
    for index in shadow_keys(table):
        yield from _key_lock(table, index, switched=switched)
    if not table.pairs:
        yield "NULL;"


def _on_update(draft: EvolutionDraft, table: TableDraft, *, switched: bool) -> Iterator[str]:
    for column, pair in table.pairs.items():
        named = table.pair(column)
        old, new = named.old(switched=switched), named.new(switched=switched)
        up = table.function_sql(column, "up")
        yield f"IF {_changed(new)} THEN"
        yield f"  {_new(old)} := {_down(draft, table, pair, named, switched=switched)};"
        yield f"ELSIF {_changed(old)} OR {_new(new)} IS NULL THEN"
        yield f"  {_new(new)} := {up}({_new(old)});"
        yield "END IF;"
    if not table.pairs:
        yield "NULL;"


def differing(one: str, other: str) -> str:
    """Return the SQL of whether two values of one type differ, byte by byte; NULL is like NULL.

    Without the cast PostgreSQL would compare the two values themselves, and has no such operator for them.
    """
    return f"(ROW({one})::record OPERATOR(pg_catalog.*<>) ROW({other})::record)"


def _new(column: str) -> str:
    return f"NEW.{identifier(column)}"


def _changed(column: str) -> str:
    """Return whether a column changed, byte by byte: every type has that, and no search path matters."""
    name = identifier(column)
    return differing(f"NEW.{name}", f"OLD.{name}")


def _down(draft: EvolutionDraft, table: TableDraft, pair: PairDraft, named: ColumnPair, *, switched: bool) -> str:
    """Return the SQL of the old value; that of a foreign key is the one that the parent's row has."""
    new = _new(named.new(switched=switched))
    converted = f"{table.function_sql(named.column, 'down')}({new})"
    key = pair.follows
    if key is None:
        return converted
    parent = draft.table(key.parent, key.parent_schema)
    there = parent.pair(key.parent_columns[key.columns.index(named.column)])
    same = " AND ".join(
        f"p.{identifier(_newest(parent, its, switched=switched))} = {_new(_newest(table, own, switched=switched))}"
        for own, its in zip(key.columns, key.parent_columns, strict=True)
    )
    old_there = identifier(there.old(switched=switched))
    return f"COALESCE((SELECT p.{old_there} FROM {parent.facts.sql} p WHERE {same}), {converted})"


def _newest(table: TableDraft, column: str, *, switched: bool) -> str:
    """Return the table's own name, now, of the new value of an old column."""
    return (
        table.pair(column).new(switched=switched)
        if column in table.pairs
        else table.physical_old(column, switched=switched)
    )


def _key_lock(table: TableDraft, index: IndexFacts, *, switched: bool) -> Iterator[str]:
    """Yield a lock on one key until the transaction ends.

    ON CONFLICT waits at one unique index only. Of two sessions that insert one new key at the same moment, the second
    would fail at the other index of the pair; with the lock it waits here, and then finds the row.
    """
    names = [identifier(table.physical_old(column, switched=switched)) for column in index.keys]
    there = " AND ".join(f"t.{name} = NEW.{name}" for name in names)
    given = " AND ".join(f"NEW.{name} IS NOT NULL" for name in names)
    value = f"ROW({', '.join(f'NEW.{name}' for name in names)})::text"
    held = f"COALESCE(NULLIF(current_setting('{_HELD}', true), ''), '0')::integer"
    # Where the equality of a type is not PostgreSQL's own, the index could not be asked within this search path.
    asked = f" AND NOT EXISTS (SELECT FROM {table.facts.sql} t WHERE {there})"
    built_in = all(table.facts.columns[column].built_in for column in index.keys)
    yield f"IF {given} AND {held} < {KEYS_HELD}{asked if built_in else ''} THEN"
    yield f"  PERFORM set_config('{_HELD}', ({held} + 1)::text, true);"
    yield f"  PERFORM pg_advisory_xact_lock(hashtextextended({value}, {table.facts.oid}));"
    yield "END IF;"


def _kept_columns(table: TableDraft, *, switched: bool) -> Iterator[str]:
    names = {name: f"NEW.{identifier(table.physical(name, switched=switched))}" for name in table.new_columns()}
    for added in table.added.values():
        if added.expression:
            yield f"{names[added.name]} := {with_names(added.expression, names)};"

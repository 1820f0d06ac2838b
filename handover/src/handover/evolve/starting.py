"""The steps of the start: afterwards both shapes live side by side."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from handover.config.evolve import EvolveSettings
from handover.evolve.catalog.facts import ColumnFacts, qualified
from handover.evolve.draft import CreatedTable, EvolutionDraft, TableDraft
from handover.evolve.keys import ShapeKey, index_sql, new_checks, quoted_columns, shape_keys, twin_indexes
from handover.evolve.locks import LockedStatements
from handover.evolve.order import parents_first
from handover.evolve.paths import RolePath
from handover.evolve.rewording import column_named, with_names
from handover.evolve.statement import ColumnPair, EvolutionPlan, EvolveStatement, EvolveStep
from handover.evolve.sync import conversion_functions, function_name, sync_function, sync_trigger
from handover.evolve.views import (
    closing_statements,
    grants,
    new_shape,
    old_shape,
    schema_statements,
    view_statements,
    viewed,
)
from handover.schema.definition import TOKEN
from handover.schema.evolved import SYNC_TRIGGER
from handover.wording import identifier

# An expression that gives NULL and that PostgreSQL keeps as a default; it leaves out a plain DEFAULT NULL.
_NO_VALUE = "NULLIF('', '')"
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_TOKEN = re.compile(f"{_COMMENT.pattern}|{TOKEN.pattern}", re.DOTALL)
# The step that changes the search paths of the old roles.
OLD_PATHS = "search paths of the old roles"


@dataclass(frozen=True, kw_only=True)
class StageParts:
    """What the steps of every stage are made of."""

    draft: EvolutionDraft
    settings: EvolveSettings
    paths: tuple[RolePath, ...] = ()

    @property
    def make(self) -> LockedStatements:
        """What makes statements."""
        return LockedStatements(self.settings.lock_timeout_ms)

    def ordered(self) -> list[TableDraft]:
        """Return the tables, each after those that it points at."""
        return parents_first(self.draft)

    def moved_paths(self) -> list[RolePath]:
        """Return the paths that do not have the old shape's schema yet."""
        return [one for one in self.paths if not one.leads_to(self.settings.old_schema)]


def start_steps(parts: StageParts) -> Iterator[EvolveStep]:
    """Yield the steps of the start, in order."""
    tables = parts.ordered()
    for table in tables:
        yield from _columns(parts, table)
    for table in tables:
        if table.synced:
            yield _backfill(table)
    for table in tables:
        yield from _indexes(parts.make, table)
    for table in tables:
        if table.pairs or table.indexes:
            analyze = parts.make.concurrent(f"ANALYZE {table.facts.sql}", table.facts.key)
            yield EvolveStep(
                name=f"{table.facts.key}: statistics, so that queries are planned well", statements=(analyze,)
            )
    for table in tables:
        yield from _checks(parts.make, table)
    for created in parts.draft.created:
        yield from _created(parts.make, parts.draft, created)
    for key in shape_keys(parts.draft):
        yield from _key(parts.make, key)
    if viewed(parts.draft):
        yield from _views(parts)


def _columns(parts: StageParts, table: TableDraft) -> Iterator[EvolveStep]:
    if not (table.pairs or table.added):
        return
    # The functions in a step of their own: while they are made, the table is not locked.
    if functions := tuple(_functions(parts, table)):
        yield EvolveStep(name=f"{table.facts.key}: functions of the sync trigger", statements=functions)
    statements = [parts.make.exclusive(add_columns(table), table.facts.key)]
    if table.synced:
        statements += _trigger(parts.make, table)
    for column in table.pairs:
        shadow = table.pair(column).shadow
        rights = table.facts.columns[column].rights
        kinds = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
        statements += map(parts.make.free, grants(rights, table.facts.sql, kinds, column=shadow))
        statements += _gathered(parts.make, table, table.facts.columns[column], shadow)
    what = "shadow columns and sync trigger" if table.synced else "new columns"
    yield EvolveStep(name=f"{table.facts.key}: {what}", statements=tuple(statements))


def _gathered(make: LockedStatements, table: TableDraft, column: ColumnFacts, shadow: str) -> Iterator[EvolveStatement]:
    """Yield what tells ANALYZE of the new column what it was told of the old one."""
    alter = f"ALTER TABLE {table.facts.sql} ALTER COLUMN {identifier(shadow)}"
    if column.statistics is not None:
        yield make.beside(f"{alter} SET STATISTICS {column.statistics}", table.facts.key)
    if column.options:
        yield make.beside(f"{alter} SET ({', '.join(column.options)})", table.facts.key)


def add_columns(table: TableDraft) -> str:
    """Return the statement that adds the columns of the new shape."""
    added = []
    for column, pair in table.pairs.items():
        collation = f" COLLATE {pair.collation}" if pair.collation else ""
        added.append(f"ADD COLUMN {identifier(table.pair(column).shadow)} {pair.type}{collation}")
    for one in table.added.values():
        default = f" DEFAULT {one.default}" if one.default else ""
        required = "" if one.nullable else " NOT NULL"
        added.append(f"ADD COLUMN {identifier(one.name)} {one.type}{default}{required}")
    return f"ALTER TABLE {table.facts.sql} {', '.join(added)}"


def _functions(parts: StageParts, table: TableDraft) -> Iterator[EvolveStatement]:
    make, owner = parts.make, identifier(table.facts.owner)
    for column, pair in table.pairs.items():
        yield from map(make.free, conversion_functions(table, column))
        up, down = table.function_sql(column, "up"), table.function_sql(column, "down")
        yield make.free(f"ALTER FUNCTION {up}({pair.column.base_type}) OWNER TO {owner}")
        yield make.free(f"ALTER FUNCTION {down}({pair.type}) OWNER TO {owner}")
    if table.synced:
        yield make.free(sync_function(parts.draft, table, switched=False))
        yield make.free(f"REVOKE EXECUTE ON FUNCTION {function_name(table)}() FROM PUBLIC")
        yield make.free(f"ALTER FUNCTION {function_name(table)}() OWNER TO {owner}")


def _trigger(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStatement]:
    yield make.writers_wait(sync_trigger(table), table.facts.key)
    # It also fires where a session applies changes of another server.
    always = f"ALTER TABLE {table.facts.sql} ENABLE ALWAYS TRIGGER {identifier(SYNC_TRIGGER)}"
    yield make.writers_wait(always, table.facts.key)


def _backfill(table: TableDraft) -> EvolveStep:
    pairs = [*map(table.pair, table.pairs), *kept_pairs(table)]
    shadow = identifier(pairs[0].shadow)
    sql = f"UPDATE {table.facts.sql} SET {shadow} = {shadow} WHERE … (rows of one key range whose shadow is empty)"
    return EvolveStep(
        name=f"{table.facts.key}: backfill",
        how="batches",
        statements=(EvolveStatement(sql=sql, lock="ROW EXCLUSIVE", table=table.facts.key, long=True),),
        work="backfill",
        arguments={"table": table.facts.key, "pairs": [asdict(pair) for pair in pairs]},
    )


def kept_pairs(table: TableDraft) -> Iterator[ColumnPair]:
    """Yield a pair for each column that follows from others: rows from before are filled as those of other pairs."""
    names = quoted_columns(table)
    any_column = table.old_columns()[0].name
    for added in table.added.values():
        if added.expression:
            up = with_names(added.expression, names)
            yield ColumnPair(
                table=table.facts.key,
                column=any_column,
                shadow=added.name,
                kept=any_column,
                renamed=added.name,
                type=added.type,
                up=up,
                down=identifier(any_column),
            )


def _indexes(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStep]:
    built = [(twin.name, twin.sql) for twin in twin_indexes(table)]
    built += [(index.name, index_sql(table, index)) for index in table.indexes]
    for name, sql in built:
        yield EvolveStep(
            name=f"{table.facts.key}: index {name}",
            how="alone",
            statements=(make.concurrent(sql, table.facts.key),),
            index=f"{table.facts.schema}.{name}",
        )


def _checks(make: LockedStatements, table: TableDraft) -> Iterator[EvolveStep]:
    checks = list(new_checks(table))
    if not checks:
        return
    added = ", ".join(f"ADD CONSTRAINT {identifier(one.name)} CHECK ({one.condition}) NOT VALID" for one in checks)
    sql = f"ALTER TABLE {table.facts.sql} {added}"
    yield EvolveStep(
        name=f"{table.facts.key}: checks, for new rows", statements=(make.exclusive(sql, table.facts.key),)
    )
    for check in checks:
        sql = f"ALTER TABLE {table.facts.sql} VALIDATE CONSTRAINT {identifier(check.name)}"
        yield EvolveStep(
            name=f"{table.facts.key}: check {check.name}, all rows",
            statements=(make.concurrent(sql, table.facts.key),),
        )


def _created(make: LockedStatements, draft: EvolutionDraft, created: CreatedTable) -> Iterator[EvolveStep]:
    name = qualified(draft.schema, created.name)
    statements = [make.free(f"CREATE TABLE {name} ({created_columns(created, draft.schema)})")]
    keys = [(_on_shadows(draft, one), referenced_table(one, draft.schema)) for one in created.constraints]
    statements += [make.writers_wait(f"ALTER TABLE {name} ADD {one}", parent) for one, parent in keys if parent]
    rights = [(role, right, "") for role, given in created.grants.items() for right in given]
    statements += map(make.free, grants(rights, name, [right for _, right, _ in rights]))
    yield EvolveStep(name=f"{draft.schema}.{created.name}: new table", statements=tuple(statements))


def created_columns(created: CreatedTable, schema: str) -> str:
    """Return the SQL of a new table's columns and constraints, without its foreign keys."""
    columns = [f"{identifier(column)} {definition}" for column, definition in created.columns.items()]
    return ", ".join([*columns, *(one for one in created.constraints if referenced_table(one, schema) is None)])


def _on_shadows(draft: EvolutionDraft, constraint: str) -> str:
    """Return a foreign key's SQL with the table's own names of the columns that it points at."""
    reference = _reference(constraint)
    table = draft.tables.get(referenced_table(constraint, draft.schema) or "")
    if reference is None or table is None:
        return constraint
    return reference.before + with_names(reference.after, quoted_columns(table))


def referenced_table(constraint: str, schema: str) -> str | None:
    """Return the table that a constraint's SQL points at, as ``schema.name``; None if it is no foreign key.

    Parameters
    ----------
    constraint, schema
        The SQL, and the schema of a table that it names without one.

    Examples
    --------
    >>> referenced_table('FOREIGN KEY (line) REFERENCES "Order Lines" (id)', "public")
    'public.Order Lines'
    >>> referenced_table("foreign key (line) references Shop . Lines(id)", "public")
    'shop.lines'
    """
    reference = _reference(constraint)
    if reference is None:
        return None
    return ".".join(reference.names if len(reference.names) > 1 else [schema, *reference.names])


@dataclass(frozen=True)
class _Reference:
    """The names of the table after REFERENCES, and the SQL up to its end and from there."""

    names: list[str]
    before: str
    after: str


def _reference(constraint: str) -> _Reference | None:
    words = [" " if _COMMENT.match(word) else word for word in _TOKEN.findall(constraint)]
    start = next((n for n, word in enumerate(words) if word.upper() == "REFERENCES"), None)
    if start is None:
        return None
    names: list[str] = []
    end = start + 1
    for place in range(start + 1, len(words)):
        word = words[place]
        if word.isspace():
            continue
        if word != "." and names and words[end - 1] != ".":
            break
        if word != ".":
            names.append(column_named(word) or word)
        end = place + 1
    return _Reference(names, "".join(words[:end]), "".join(words[end:])) if names else None


def _key(make: LockedStatements, key: ShapeKey) -> Iterator[EvolveStep]:
    table, parent = sql_name(key.table), sql_name(key.parent)
    add = f"ALTER TABLE {table} ADD CONSTRAINT {identifier(key.name)} {key.definition} NOT VALID"
    locks = [make.lock(parent, key.parent, "SHARE ROW EXCLUSIVE")] if parent != table else []
    yield EvolveStep(
        name=f"{key.table}: foreign key {key.name}, for new rows",
        statements=(*locks, make.writers_wait(add, key.table)),
    )
    validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {identifier(key.name)}"
    yield EvolveStep(
        name=f"{key.table}: foreign key {key.name}, all rows", statements=(make.concurrent(validate, key.table),)
    )


def sql_name(key: str) -> str:
    """Return ``schema.name`` as SQL."""
    return qualified(*key.split(".", 1))


def _views(parts: StageParts) -> Iterator[EvolveStep]:
    make, settings = parts.make, parts.settings
    old = list(schema_statements(make, parts.draft, settings.old_schema, [one.role for one in parts.paths]))
    for table in viewed(parts.draft):
        old += view_statements(make, table, settings.old_schema, old_shape(table), old_defaults(table))
    old += closing_statements(make, parts.draft, settings.old_schema)
    yield EvolveStep(name=_old_views_name(settings), statements=tuple(old))
    if moved := parts.moved_paths():
        statements = tuple(make.free(one.set_statement(settings.old_schema)) for one in moved)
        # Where the schema was in a role's path before, it is there afterwards as well.
        without = [one.role for one in moved if not one.names(settings.old_schema)]
        yield EvolveStep(name=OLD_PATHS, statements=statements, arguments={"without": without})
    if parts.paths:
        yield EvolveStep(
            name="old sessions from before: waited for, then ended when idle",
            how="batches",
            work="recycle",
            arguments={"roles": [one.role for one in parts.paths]},
        )
    new = list(schema_statements(make, parts.draft, settings.new_schema, []))
    for table in viewed(parts.draft):
        new += view_statements(make, table, settings.new_schema, new_shape(table), new_defaults(table))
    new += closing_statements(make, parts.draft, settings.new_schema)
    new += _table_defaults(make, viewed(parts.draft))
    yield EvolveStep(name=f"views of the new shape in schema {settings.new_schema}", statements=tuple(new))


def _old_views_name(settings: EvolveSettings) -> str:
    return f"views of the old shape in schema {settings.old_schema}"


def old_views_step(plan: EvolutionPlan, settings: EvolveSettings) -> EvolveStep | None:
    """Return the step of a plan that makes the views of the old shape; None when it makes none.

    Parameters
    ----------
    plan, settings
        The plan, and the section ``[evolve]``.
    """
    return next((step for step in plan.start if step.name == _old_views_name(settings)), None)


def old_defaults(table: TableDraft) -> dict[str, str]:
    """Return the defaults that the old shape's view has: those that its table loses while both shapes live."""
    found = {name: table.facts.columns[name].default for name in moved_defaults(table)}
    dropped = [table.facts.columns[name] for name, down in table.dropped.items() if down]
    kept = {one.name: one.default or f"CAST({_NO_VALUE} AS {one.type})" for one in dropped}
    return {name: default for name, default in (found | kept).items() if default}


def new_defaults(table: TableDraft) -> dict[str, str]:
    """Return the defaults that the new shape's view has."""
    found = {table.new_name(old): table.new_default(old) for old in table.pairs}
    return {name: default for name, default in found.items() if default}


def moved_defaults(table: TableDraft) -> list[str]:
    """Return the nullable paired columns with a default.

    With the default on the table, a NULL that the new shape writes could not be told from a value that was not given.
    """
    return [
        name
        for name in table.pairs
        if (column := table.facts.columns[name]).default and not column.not_null and not column.sequence
    ]


def _table_defaults(make: LockedStatements, tables: Iterable[TableDraft]) -> Iterator[EvolveStatement]:
    return (make.exclusive(sql, table.facts.key) for table in tables if (sql := table_defaults(table)))


def table_defaults(table: TableDraft) -> str:
    """Return the statement that gives a table its defaults while both shapes live; empty: they stay."""
    changes = [f"ALTER COLUMN {identifier(name)} DROP DEFAULT" for name in moved_defaults(table)]
    changes += [f"ALTER COLUMN {identifier(name)} SET DEFAULT {down}" for name, down in table.dropped.items() if down]
    return f"ALTER TABLE {table.facts.sql} {', '.join(changes)}" if changes else ""


def touched(tables: Sequence[TableDraft]) -> tuple[str, ...]:
    """Return the names of the tables."""
    return tuple(table.facts.key for table in tables)

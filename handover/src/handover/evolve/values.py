"""What in the rows stands against an evolution: values that cannot be converted, collisions, rows against a check."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection, Error

from handover.evolve.catalog.facts import qualified
from handover.evolve.draft import EvolutionDraft, PairDraft, TableDraft
from handover.evolve.expression import applied
from handover.evolve.keys import twin_indexes
from handover.evolve.objection import against
from handover.evolve.rehearsal import on_copy
from handover.evolve.rewording import with_names
from handover.evolve.sync import conversion_functions, differing
from handover.finding import Finding
from handover.schema.definition import definition
from handover.wording import counted, identifier, one_line

# How many values a finding shows.
SHOWN = 5


def value_findings(connection: Connection[Any], draft: EvolutionDraft) -> list[Finding]:
    """Return what stands against the evolution in the rows; nothing is written."""
    found: list[Finding] = []
    for table in draft.tables.values():
        with connection.transaction(force_rollback=True):
            found += _table(connection, draft, table)
    return found


def mapped_notes(connection: Connection[Any], draft: EvolutionDraft) -> Iterator[str]:
    """Yield a line for each pair some of whose values are mapped, not converted: how many, and the first of them."""
    for table in draft.tables.values():
        for column, pair in table.pairs.items():
            if pair.mapped and pair.follows is None:
                name = identifier(column)
                condition = applied(pair.mapped, name)
                where = f"FROM {table.facts.sql} WHERE {name} IS NOT NULL AND ({condition})"
                number = _number(connection, f"SELECT count(*) {where}")
                to = applied(pair.up, name)
                first = _texts(connection, f"SELECT {name}::text || ' becomes ' || ({to})::text {where}")
                if number:
                    what = f"{table.facts.name}.{column}: {counted(number, 'value')} mapped, not converted"
                    yield f"{what}: {'; '.join(map(one_line, first))}{' …' if number > len(first) else ''}"


def _table(connection: Connection[Any], draft: EvolutionDraft, table: TableDraft) -> Iterator[Finding]:
    unconverted: list[Finding] = []
    for column, pair in table.pairs.items():
        _make_functions(connection, table, column)
        unconverted += _unconverted(connection, table, column, pair)
    yield from unconverted
    if unconverted:
        return  # the questions below convert every value
    changed = [
        one
        for column, pair in table.pairs.items()
        if not pair.many_to_one
        for one in _changed(connection, table, column, pair)
    ]
    yield from changed
    yield from _collisions(connection, table, set() if changed else _reversible(connection, table))
    yield from _against_checks(connection, table)
    yield from _without_parent(connection, draft, table)


def _make_functions(connection: Connection[Any], table: TableDraft, column: str) -> None:
    copy, pair = on_copy(table), table.pairs[column]
    for sql in conversion_functions(copy, column):
        connection.execute(sql.encode())
    up, down = copy.function_sql(column, "up"), copy.function_sql(column, "down")
    # The assignments are those of the trigger: a value that is too long is an error there, and so it is here.
    body = (
        f"DECLARE n {pair.type}; o {pair.column.type}; BEGIN n := {up}($1); o := {down}(n); RETURN NULL;"
        " EXCEPTION WHEN OTHERS THEN RETURN SQLERRM; END"
    )
    connection.execute(
        f"CREATE FUNCTION {_trial(copy, column)}({pair.column.base_type}) RETURNS text LANGUAGE plpgsql AS"
        f" $body$ {body} $body$".encode()
    )


def _trial(table: TableDraft, column: str) -> str:
    return on_copy(table).function_sql(column, "trial")


def _unconverted(connection: Connection[Any], table: TableDraft, column: str, pair: PairDraft) -> Iterator[Finding]:
    name = identifier(column)
    if pair.follows is not None and pair.column.not_null:
        return  # each value is one of the parent's, which is asked
    tried = f"SELECT {name}, {_trial(table, column)}({name}) AS words FROM {table.facts.sql} WHERE {name} IS NOT NULL"
    number = _number(connection, f"SELECT count(*) FROM ({tried}) t WHERE words IS NOT NULL")
    if number:
        sql = f"SELECT DISTINCT {name}::text || ': ' || words FROM ({tried}) t WHERE words IS NOT NULL"
        shown = _shown(_texts(connection, sql), number)
        yield against(
            "HO661",
            f"{table.facts.name}.{column}",
            f"has {counted(number, 'value')} that cannot be converted: {shown}",
            f"each becomes {pair.type} and comes back",
            "Correct these rows, or write `up` and `mapped` for them.",
        )


def _changed(connection: Connection[Any], table: TableDraft, column: str, pair: PairDraft) -> Iterator[Finding]:
    copy, name = on_copy(table), identifier(column)
    up, down = copy.function_sql(column, "up"), copy.function_sql(column, "down")
    back = f"{down}({up}({name})::{pair.type})::{pair.column.type}"
    where = f"{name} IS NOT NULL AND {differing(back, name)}"
    if pair.mapped:
        where += f" AND NOT ({applied(pair.mapped, name)})"
    number = _number(connection, f"SELECT count(*) FROM {table.facts.sql} WHERE {where}")
    if number:
        sql = f"SELECT DISTINCT {name}::text || ' comes back as ' || {back}::text FROM {table.facts.sql} WHERE {where}"
        shown = _shown(_texts(connection, sql), number)
        yield against(
            "HO662",
            f"{table.facts.name}.{column}",
            f"has {counted(number, 'value')} that would come back as another: {shown}",
            "the way back keeps every value",
            "Correct `up` and `down`, or name these values in `mapped`.",
        )


def new_values(table: TableDraft) -> dict[str, str]:
    """Return, for each column of the new shape, the SQL of its value before there is a shadow."""
    found = {}
    for name in table.new_columns():
        old = table.old_name(name)
        if old in table.pairs:
            up = on_copy(table).function_sql(old, "up")
            found[name] = f"({up}({identifier(old)})::{table.pairs[old].type})"
        elif old is not None:
            found[name] = identifier(old)
        else:
            added = table.added[name]
            found[name] = f"(({added.default or 'NULL'})::{added.type})"
    return found


def _reversible(connection: Connection[Any], table: TableDraft) -> set[str]:
    """Return the pairs each of whose values comes back as it was: then no two values have become one."""
    found = set()
    for column, pair in table.pairs.items():
        where = f"FROM {table.facts.sql} WHERE {applied(pair.mapped or 'false', identifier(column))}"
        if not pair.many_to_one and not (pair.mapped and _number(connection, f"SELECT count(*) {where}")):
            found.add(column)
    return found


def _collisions(connection: Connection[Any], table: TableDraft, reversible: set[str]) -> Iterator[Finding]:
    values = new_values(table)
    asked = [
        (twin.old.name, [values[table.new_name(key)] for key in twin.old.keys], "")
        for twin in twin_indexes(table)
        if twin.old.unique and set(twin.old.keys) & set(table.pairs) - reversible
    ]
    for index in table.indexes:
        if index.unique:
            parsed = definition(f"CREATE INDEX i ON t ({', '.join(index.parts)})")
            parts = [with_names(part, values) for part, _ in (parsed.expressions if parsed else ())]
            asked.append((index.name, parts, with_names(index.where, values)))
    for name, parts, where in asked:
        yield from _collision(connection, table, name, parts, where)


def _collision(
    connection: Connection[Any], table: TableDraft, name: str, parts: list[str], where: str
) -> Iterator[Finding]:
    given = " AND ".join(f"({part}) IS NOT NULL" for part in parts)
    condition = f"{given} AND ({where})" if where else given
    grouped = (
        f"SELECT {', '.join(f'({part}) AS k{n}' for n, part in enumerate(parts))}, count(*) AS rows"
        f" FROM {table.facts.sql} WHERE {condition}"
        f" GROUP BY {', '.join(str(n + 1) for n in range(len(parts)))} HAVING count(*) > 1"
    )
    number = _number(connection, f"SELECT count(*) FROM ({grouped}) t")
    if number:
        shown = f"SELECT concat_ws(', ', {', '.join(f'k{n}' for n in range(len(parts)))}) || ' (' || rows || ' rows)'"
        texts = _texts(connection, f"{shown} FROM ({grouped}) t")
        yield against(
            "HO663",
            f"{table.facts.name}, index {name}",
            f"would hold {counted(number, 'key')} twice in the new shape: {_shown(texts, number)}",
            "it is unique",
            "Correct these rows, or the conversion.",
        )


def _against_checks(connection: Connection[Any], table: TableDraft) -> Iterator[Finding]:
    values = new_values(table)
    required = [table.new_name(old) for old, pair in table.pairs.items() if pair.not_null] + table.not_null
    asked = [(one.name, one.column, f"NOT ({applied(one.check, values[one.column])})") for one in table.checks]
    asked += [("NOT NULL", column, f"{values[column]} IS NULL") for column in dict.fromkeys(required)]
    for name, column, condition in asked:
        where = f"FROM {table.facts.sql} WHERE {condition}"
        number = _number(connection, f"SELECT count(*) {where}")
        if number:
            texts = _texts(connection, f"SELECT DISTINCT COALESCE({values[column]}::text, 'NULL') {where}")
            yield against(
                "HO664",
                f"{table.facts.name}.{column}",
                f"has {counted(number, 'row')} against {name}: {_shown(texts, number)}",
                "every row of the new shape keeps it",
                "Correct these rows, or write what the new shape holds instead (`repair`, `fill`).",
            )


def _without_parent(connection: Connection[Any], draft: EvolutionDraft, table: TableDraft) -> Iterator[Finding]:
    values = new_values(table)
    for key in table.foreign_keys:
        parent = draft.tables.get(f"{table.facts.schema}.{key.references}")
        there = identifier(key.references_column)
        if parent:
            for old in parent.pairs:
                if parent is not table:
                    _make_functions(connection, parent, old)
            there = new_values(parent)[key.references_column]
        target = qualified(table.facts.schema, key.references)
        own = with_names(identifier(key.column), values)
        if "(" not in own:
            own = f"c.{own}"
        where = (
            f"FROM {table.facts.sql} c WHERE {own} IS NOT NULL"
            f" AND {own} NOT IN (SELECT {there} FROM {target} WHERE {there} IS NOT NULL)"
        )
        number = _number(connection, f"SELECT count(*) {where}")
        if number:
            texts = _texts(connection, f"SELECT DISTINCT {own}::text {where}")
            yield against(
                "HO664",
                f"{table.facts.name}.{key.column}",
                f"has {counted(number, 'row')} that point at no row of {key.references}: {_shown(texts, number)}",
                "a foreign key holds for every row",
                "Correct or delete these rows.",
            )


def settle_defaults(connection: Connection[Any], draft: EvolutionDraft) -> None:
    """Write the new column's defaults as values, as a fresh schema has them, not as conversions of old ones."""
    for table in draft.tables.values():
        for column, pair in table.pairs.items():
            default = table.new_default(column)
            if pair.default is None and default is not None and pair.up != "$1":
                pair.default = _as_literal(connection, default, pair.type)


def _as_literal(connection: Connection[Any], expression: str, type_name: str) -> str | None:
    try:
        with connection.transaction():
            row = connection.execute(f"SELECT quote_literal((({expression})::{type_name})::text)".encode()).fetchone()
    except Error:
        return None
    if row is None or row[0] is None:
        return ""
    bare = str(row[0])[1:-1]
    number = type_name.partition("(")[0].strip().lower() in ("smallint", "integer", "int", "bigint", "numeric")
    return bare if number and bare.lstrip("-").isdigit() else str(row[0])


def _shown(texts: list[str], number: int) -> str:
    more = f", and {number - len(texts)} more" if number > len(texts) else ""
    return "; ".join(map(one_line, texts)) + more


def _number(connection: Connection[Any], sql: str) -> int:
    row = connection.execute(sql.encode()).fetchone()
    return int(row[0]) if row else 0


def _texts(connection: Connection[Any], sql: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(f"{sql} LIMIT {SHOWN}".encode()).fetchall()]

"""Keys, unique and check constraints."""

import re
from collections.abc import Iterable, Iterator

from handover.finding import Observation
from handover.rules.registry import rule
from handover.rules.statements import again, alter, listed, name_of
from handover.rules.tables import VIEWS
from handover.schema.catalog import LiveConstraint, Table
from handover.schema.definition import definition
from handover.schema.expressions import Expressions
from handover.schema.models import Field, Model
from handover.schema.subject import Mapped, Subject
from handover.schema.twins import twins
from handover.wording import identifier


def _tables(subject: Subject) -> Iterator[Mapped]:
    return (mapped for mapped in subject.looked_at if mapped.table.kind not in VIEWS)


@rule("HO015", adoption=True)
def primary_keys(subject: Subject) -> Iterator[Observation]:
    """Primary keys are equal.

    What is wrong
    -------------
    The live table has its primary key on other columns than a model expects, or has none.

    Why it hurts
    ------------
    Django finds, updates and deletes rows by the key. Without a primary key duplicates come in, and foreign keys
    cannot point at the table.

    Example
    -------
    `shop_orders` has no primary key, after a restore without constraints.

    Mend
    ----
    Correct the model, or give the table the key.

    ```sql
    ALTER TABLE public.shop_orders ADD PRIMARY KEY (order_id);
    ```
    """
    for mapped in _tables(subject):
        if mapped.table.primary_key != mapped.model.key:
            live = ", ".join(mapped.table.primary_key) or "nothing"
            expected = f"{mapped.model.label} expects {', '.join(mapped.model.key)}"
            todo = "Correct the model, or give the table the key that it expects by hand: rows point at the old one."
            if not mapped.table.primary_key:
                todo = alter(mapped.table, f"ADD PRIMARY KEY ({listed(mapped.model.key)})")
            found = f"has its primary key on {live}"
            yield Observation(
                where=str(mapped.table),
                found=found,
                expected=expected,
                todo=todo,
                hurts=mapped.system.side,
            )


@rule("HO016", adoption=True)
def unique(subject: Subject) -> Iterator[Observation]:
    """What must be unique is unique.

    What is wrong
    -------------
    A model says that columns are unique, and no valid unique index enforces it.

    Why it hurts
    ------------
    Two systems that write at once create duplicates. `get()` then raises `MultipleObjectsReturned`, and `ON CONFLICT`
    fails.

    Example
    -------
    The unique constraint of `users.username` was dropped.

    Mend
    ----
    Remove the duplicates, then make the index.

    ```sql
    SELECT username, count(*) FROM public.users GROUP BY 1 HAVING count(*) > 1;
    CREATE UNIQUE INDEX CONCURRENTLY ON public.users (username);
    ```
    """
    for mapped in _tables(subject):
        for columns in dict.fromkeys(unique_columns(mapped.model)):
            live = set(columns) <= mapped.table.columns.keys()
            if live and not mapped.table.is_unique(columns):
                makes = f"CREATE UNIQUE INDEX CONCURRENTLY ON {name_of(mapped.table)} ({listed(columns)});"
                yield _not_unique(mapped, f"{mapped.table} ({', '.join(columns)})", makes)
        for constraint in mapped.model.constraints:
            if constraint.kind == "unique" and constraint.special and not _enforces(mapped.table, constraint.name):
                yield _not_unique(mapped, f"{mapped.table} ({constraint.name})", _made(constraint.sql))


def _made(sql: str | None) -> str:
    return f"{sql};" if sql else "migrate cannot say how: write it by hand."


def _not_unique(mapped: Mapped, where: str, makes: str) -> Observation:
    expected = f"{mapped.model.label} expects it to be"
    todo = f"Remove the duplicates if there are any, then: {makes}"
    return Observation(where=where, found="is not unique", expected=expected, todo=todo, hurts=mapped.system.side)


def unique_columns(model: Model) -> list[tuple[str, ...]]:
    """Return the columns that a model says are unique, its primary key left out."""
    return [*model.unique, *((f.column,) for f in model.fields if f.unique and model.key != (f.column,))]


def _enforces(table: Table, name: str) -> bool:
    return any(index.name == name and index.unique and index.valid for index in table.indexes)


@rule("HO159", adoption=True)
def unenforced(subject: Subject) -> Iterator[Observation]:
    """Constraints that are there are enforced.

    What is wrong
    -------------
    A constraint exists, and it is switched off: its triggers are disabled, or it is `NOT ENFORCED`.

    Why it hurts
    ------------
    Both systems rely on it. Rows that break it come in without an error.

    Example
    -------
    An import ran `ALTER TABLE shop_orders DISABLE TRIGGER ALL` and did not switch them on again.

    Mend
    ----
    Mend the rows, then switch it on, as a superuser.

    ```sql
    ALTER TABLE public.shop_orders ENABLE TRIGGER ALL;
    ```
    """
    for table in subject.shared_tables:
        for name in table.unenforced:
            expected = "both systems rely on it: rows that break it come in unseen"
            todo = "Mend the rows, then switch it on, as a superuser: " + _switched_on(subject, table, name)
            yield Observation(
                where=f"{table} ({name})",
                found="is switched off",
                expected=expected,
                todo=todo,
                hurts="both",
            )


def _switched_on(subject: Subject, table: Table, name: str) -> str:
    """Return the statements that enforce a constraint again: its triggers are on the tables of both ends."""
    live = next((c for c in table.constraints if c.name == name), None)
    if live is not None and "NOT ENFORCED" in live.definition:
        definition = live.definition.replace(" NOT VALID", "").replace(" NOT ENFORCED", "")
        return again(table, live, definition)
    ends = {table.key: table}
    if live is not None and live.target in subject.catalog.tables:
        ends[live.target] = subject.catalog.tables[live.target]
    return " ".join(alter(end, "ENABLE TRIGGER ALL") for end in ends.values())


@rule("HO152")
def missing_checks(subject: Subject) -> Iterator[Observation]:
    """Every check of the models is enforced.

    What is wrong
    -------------
    A model declares a check or an exclusion constraint, or has a positive integer, and no constraint in the database
    enforces it.

    Why it hurts
    ------------
    The other system may write rows that break it. Code that relies on it meets them.

    Example
    -------
    `shop_orders_items_check` (`items >= 0`) was dropped.

    Mend
    ----
    Mend the rows that break it, then add it.

    ```sql
    ALTER TABLE public.shop_orders ADD CONSTRAINT shop_orders_items_check CHECK (items >= 0);
    ```
    """
    for mapped in _tables(subject):
        live = {c.name: c for c in mapped.table.constraints if c.kind in ("c", "x")}
        for constraint in mapped.model.constraints:
            if constraint.kind in ("check", "exclusion") and constraint.name not in live:
                yield _unenforced(mapped, f"{mapped.table} ({constraint.name})", _made(constraint.sql))
        for field, where in mapped.fields():
            if field.kind.startswith("Positive") and not _stays_positive(live.values(), field):
                name = f"{mapped.table.name}_{field.column}_check"
                check = f"ADD CONSTRAINT {identifier(name)} CHECK ({identifier(field.column)} >= 0)"
                if any(c.name == name for c in mapped.table.constraints):
                    check = f"DROP CONSTRAINT {identifier(name)}, {check}"
                yield _unenforced(mapped, f"{where} >= 0", alter(mapped.table, check))


def _stays_positive(checks: Iterable[LiveConstraint], field: Field) -> bool:
    return any(c.columns == (field.column,) and is_positive_check(c) for c in checks)


def _unenforced(mapped: Mapped, where: str, makes: str) -> Observation:
    expected = f"{mapped.model.label} relies on it: the other writer may break it"
    todo = f"Mend the rows that break it, then: {makes} Or take it out of the model."
    return Observation(
        where=where,
        found="is enforced by no constraint",
        expected=expected,
        todo=todo,
        severity="risky",
        hurts=mapped.system.side,
    )


@rule("HO139")
def unvalidated(subject: Subject) -> Iterator[Observation]:
    """Checks hold for the old rows, too.

    What is wrong
    -------------
    A check is `NOT VALID`: PostgreSQL enforces it for new writes and never looked at the old rows.

    Why it hurts
    ------------
    An old row that breaks it can be read. A save of that row fails.

    Example
    -------
    `ADD CONSTRAINT … CHECK (total >= 0) NOT VALID`, and the validation was forgotten.

    Mend
    ----
    Mend the rows that break it, then validate.

    ```sql
    ALTER TABLE public.shop_orders VALIDATE CONSTRAINT shop_total_positive;
    ```
    """
    for table in subject.shared_tables:
        for check in table.constraints:
            if check.kind == "c" and not check.validated:
                expected = "an old row that breaks it can be read, and no more be saved"
                todo = "Mend the rows that break it, then: " + alter(
                    table, f"VALIDATE CONSTRAINT {identifier(check.name)}"
                )
                yield Observation(
                    where=f"{table} ({check.name})",
                    found="is NOT VALID",
                    expected=expected,
                    todo=todo,
                    severity="risky",
                    hurts="both",
                )


@rule("HO153")
def definitions(subject: Subject) -> Iterator[Observation]:
    """Constraints and conditions say what the models say.

    What is wrong
    -------------
    A constraint or an index has the name that a model gives it, and another condition or expression. PostgreSQL reads
    both before they are compared.

    Why it hurts
    ------------
    The database enforces something else than the model promises.

    Example
    -------
    The model says `total >= 0`, the live constraint of that name says `total >= 7`.

    Mend
    ----
    Compare the two, and correct the one that is wrong.

    ```sql
    ALTER TABLE public.shop_orders
        DROP CONSTRAINT shop_total_positive,
        ADD CONSTRAINT shop_total_positive CHECK (total >= 0);
    ```
    """
    for mapped in _tables(subject):
        for expected, found in twins(mapped.model, mapped.table):
            where = f"{mapped.table} ({expected.name})"
            if expected.sql is None:
                says = f"{mapped.model.label} could not say what it should be"
                todo = "Compare it by hand, and accept it in the contract."
                yield Observation(
                    where=where,
                    found=f"is {found.definition}",
                    expected=says,
                    todo=todo,
                    severity="unseen",
                    hurts=mapped.system.side,
                )
                continue
            ours, theirs = _both(subject, mapped.table, expected.sql, found.definition)
            if ours != theirs:
                says = f"{mapped.model.label} says {ours}"
                todo = "Compare the two, then correct the one that is wrong."
                yield Observation(
                    where=where,
                    found=f"is made of {theirs}",
                    expected=says,
                    todo=todo,
                    severity="risky",
                    hurts=mapped.system.side,
                )


def _both(subject: Subject, table: Table, ours: str, theirs: str) -> tuple[str, str]:
    """Return what a model's statement and the live one are made of: as PostgreSQL reads both, or at least by parts."""
    read = [_as_read(subject.expressions, table, statement) for statement in (ours, theirs)]
    if read[0] and read[1]:
        return read[0], read[1]
    columns = table.columns.keys()
    return _listed(_essence(ours, columns)), _listed(_essence(theirs, columns))


def _as_read(expressions: Expressions, table: Table, statement: str) -> str | None:
    parts = definition(statement)
    if parts is None or any((table.key, text) not in expressions for text in parts.texts()):
        return None
    found = [f"{expressions[table.key, text]} {more}".rstrip() for text, more in parts.expressions]
    condition = f" WHERE {expressions[table.key, parts.condition]}" if parts.condition else ""
    # The planner leaves a collation out, so it is no part of what PostgreSQL prints.
    collated = "".join(f" COLLATE {name}" for name in parts.collations)
    return f"{', '.join(found)}{condition}{collated}".replace(f"{table.name}.", "")


def _listed(parts: tuple[list[str], ...]) -> str:
    return ", ".join(word for part in parts for word in part) or "nothing"


def _essence(sql: str, columns: Iterable[str]) -> tuple[list[str], ...]:
    """Return the columns, literals, functions and simple comparisons of an expression.

    PostgreSQL prints an expression in its own words (casts, parentheses, IN as = ANY), so texts cannot be compared.
    What it is made of stays.
    """
    sql = sql[sql.find("(") :]  # without the names of table and index
    sql = re.sub(r"(?<=[a-z])\(\d+(,\s*\d+)?\)", "", sql)  # the length of a type is no literal
    literals = re.findall(r"'(?:[^']|'')*'|(?<![\w.\"])\d+(?:\.\d+)?(?![\w\"])", sql)
    several = re.search(r"\b(IN|BETWEEN|LIKE|ANY|ALL)\b|~~", sql)
    comparisons = [] if several else sorted(re.findall(r"<=|>=|<>|!=|<|>|=|\bNULL\b|\bNOT\b", sql))
    functions = sorted({name.lower() for name in re.findall(r"\b([A-Za-z_]\w*)\(", sql)})
    named = [name for name in sorted(columns) if re.search(rf"\b{re.escape(name)}\b", sql)]
    return named, sorted(literals), functions, comparisons


def is_positive_check(check: LiveConstraint) -> bool:
    """Say whether this is the check ``column >= 0`` that Django makes for a positive integer."""
    return re.fullmatch(r'CHECK \(\(+"?[^"]+"? >= 0\)+( NOT VALID)?', check.definition) is not None

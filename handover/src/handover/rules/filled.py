"""What the database fills in by itself: defaults of columns, and generated columns."""

import re
from collections.abc import Iterator

from handover.finding import Observation, Severity
from handover.rules.registry import rule
from handover.rules.statements import alter, name_of
from handover.rules.tables import VIEWS
from handover.schema.subject import Mapped, Subject
from handover.schema.twins import Filled, as_value, filled
from handover.wording import identifier, literal

# Functions that give rows equal values: the time of a transaction, and random keys.
ALIKE = (
    (re.compile(r"\b(now|statement_timestamp|transaction_timestamp|clock_timestamp)\(\)|CURRENT_TIMESTAMP"), "now()"),
    (re.compile(r"\b(uuid_generate_v4|uuidv4)\(\)"), "gen_random_uuid()"),
)
AUTOMATIC_KEYS = ("AutoField", "BigAutoField", "SmallAutoField")
REVERT = "Revert the column, or correct the model."
HAND = "Compare it by hand, and accept it in the contract."


@rule("HO148")
def defaults(subject: Subject) -> Iterator[Observation]:
    """Defaults in the database are what models say.

    What is wrong
    -------------
    A field's `db_default` and the live column's default are not the same expression, as PostgreSQL reads both. Two
    forms of the current time count as one.

    Why it hurts
    ------------
    A row that leaves the field out gets another value than the model's author expects.

    Example
    -------
    The model says `db_default="new"`, the column fills in `'open'`.

    Mend
    ----
    Correct the model, or the column.

    ```sql
    ALTER TABLE public.orders ALTER status SET DEFAULT 'new';
    ```
    """
    for mapped, column in _filled(subject, generated=False):
        yield from _compared(subject, mapped, column, "fills in {}", "leaves it to the database to fill in {}")


@rule("HO149")
def generated(subject: Subject) -> Iterator[Observation]:
    """Generated columns compute what models say.

    What is wrong
    -------------
    A `GeneratedField` and the live generated column have different expressions.

    Why it hurts
    ------------
    Both systems read a value that one of them did not mean.

    Example
    -------
    The model says `upper(number)`, the column is computed as `lower(number)`.

    Mend
    ----
    Correct the model, or make the column anew. Since PostgreSQL 17 its expression can be changed.

    ```sql
    ALTER TABLE public.shop_orders ALTER shout SET EXPRESSION AS (upper(number));
    ```
    """
    for mapped, column in _filled(subject, generated=True):
        yield from _compared(subject, mapped, column, "is computed as {}", "says it is {}")


def _filled(subject: Subject, *, generated: bool) -> Iterator[tuple[Mapped, Filled]]:
    for mapped in subject.looked_at:
        if mapped.table.kind not in VIEWS:
            yield from ((mapped, c) for c in filled(mapped.model, mapped.table) if c.field.generated == generated)


def _compared(subject: Subject, mapped: Mapped, column: Filled, does: str, says: str) -> Iterator[Observation]:
    where, label, side = f"{mapped.table}.{column.field.column}", mapped.model.label, mapped.system.side
    if column.says is None:
        expected = f"Django could not say in SQL what {label} expects"
        yield Observation(
            where=where,
            found=does.format(column.does),
            expected=expected,
            todo=HAND,
            severity="unseen",
            hurts=side,
        )
        return
    asked = [as_value(text, column.column) for text in (column.says, column.does)]
    read = [subject.expressions.get((mapped.table.key, text)) for text in asked]
    if read[0] is None or read[1] is None:
        if _flat(column.says) != _flat(column.does):
            expected = f"{label} {says.format(column.says)}, and PostgreSQL could not compare the two"
            yield Observation(
                where=where,
                found=does.format(column.does),
                expected=expected,
                todo=HAND,
                severity="unseen",
                hurts=side,
            )
        return
    wanted, live = (_usual(text, mapped.table.name) for text in read if text is not None)
    if wanted != live:
        constant = not column.field.generated and not (_calls(wanted) or _calls(live))
        severity: Severity = "breaking" if constant else "risky"
        what = f"EXPRESSION AS ({column.says})" if column.field.generated else f"DEFAULT {column.says}"
        how = alter(mapped.table, f"ALTER {identifier(column.field.column)} SET {what}")
        todo = f"Correct the model, or the column: {how}"
        yield Observation(
            where=where,
            found=does.format(live),
            expected=f"{label} {says.format(wanted)}",
            todo=todo,
            severity=severity,
            hurts=side,
        )


def _usual(text: str, table: str) -> str:
    for pattern, name in ALIKE:
        text = pattern.sub(name, text)
    return text.replace(f"{table}.", "")


def _flat(text: str) -> str:
    return re.sub(r"[\s()\"]", "", text).lower()


def _calls(text: str) -> bool:
    return re.search(r"\w\(", text.partition("::")[0]) is not None


def _automatic(mapped: Mapped, column: str, *, always: bool) -> str:
    """Return the statements after which a key is made by the database, or may be given."""
    if always:
        return alter(mapped.table, f"ALTER {identifier(column)} SET GENERATED BY DEFAULT")
    made = alter(mapped.table, f"ALTER {identifier(column)} ADD GENERATED BY DEFAULT AS IDENTITY")
    table = name_of(mapped.table)
    newest = f"(SELECT coalesce(max({identifier(column)}), 0) + 1 FROM {table})"  # noqa: S608 - names of the catalog
    sequence = f"pg_get_serial_sequence({literal(table)}, {literal(column)})"
    return f"{made} SELECT setval({sequence}, {newest}, false);"


@rule("HO140")
def automatic_keys(subject: Subject) -> Iterator[Observation]:
    """The database makes automatic keys.

    What is wrong
    -------------
    A model has an automatic key, and the column has neither an identity nor a default (breaking), or is `GENERATED
    ALWAYS` (risky).

    Why it hurts
    ------------
    Without a default each insert fails. With `GENERATED ALWAYS` an insert that gives the key itself fails, for example
    `loaddata` and the restoring of a backup.

    Example
    -------
    `library_readers.id` lost its identity when the table was copied.

    Mend
    ----
    Give the column an identity that begins behind the last key.

    ```sql
    ALTER TABLE public.library_readers ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;
    SELECT setval(pg_get_serial_sequence('public.library_readers', 'id'), coalesce(max(id), 0) + 1, false)
    FROM public.library_readers;
    ```
    """
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            column = mapped.table.columns[field.column]
            if field.kind not in AUTOMATIC_KEYS or mapped.table.kind in VIEWS:
                continue
            if not column.supplied:
                found = "has neither identity nor default"
            elif column.identity == "a":
                found = "is GENERATED ALWAYS"
            else:
                continue
            expected = f"{mapped.model.label} lets the database make its key, and may give one itself"
            todo = _automatic(mapped, field.column, always=column.identity == "a")
            severity: Severity = "risky" if column.supplied else "breaking"
            yield Observation(
                where=where,
                found=found,
                expected=expected,
                todo=todo,
                severity=severity,
                hurts=mapped.system.side,
            )


@rule("HO141")
def database_defaults(subject: Subject) -> Iterator[Observation]:
    """Defaults that models leave to the database are there.

    What is wrong
    -------------
    A field has `db_default`, and the column has no default.

    Why it hurts
    ------------
    Django leaves the value to the database, which stores NULL or refuses the row.

    Example
    -------
    `orders.placed_at` has `db_default=Now()`, and the column has no default.

    Mend
    ----
    Give the column the default, or correct the model.

    ```sql
    ALTER TABLE public.orders ALTER placed_at SET DEFAULT now();
    ```
    """
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            column = mapped.table.columns[field.column]
            if field.db_default is not None and not column.supplied:
                expected = f"{mapped.model.label} leaves it to the database: {field.db_default}"
                todo = "Give the column that default (ALTER TABLE, SET DEFAULT), or correct the model."
                severity: Severity = "risky" if column.null else "breaking"
                yield Observation(
                    where=where,
                    found="has no default",
                    expected=expected,
                    todo=todo,
                    severity=severity,
                    hurts=mapped.system.side,
                )


@rule("HO143")
def generated_or_written(subject: Subject) -> Iterator[Observation]:
    """Fields that are written are not generated columns.

    What is wrong
    -------------
    The database computes the column and the model writes it, or the model has a `GeneratedField` and the column is an
    ordinary one.

    Why it hurts
    ------------
    PostgreSQL refuses a value for a generated column, so every save fails. In the other case nothing fills the column.

    Example
    -------
    `orders.total_cents` is `GENERATED ALWAYS AS (total * 100) STORED`, and the model has an `IntegerField`.

    Mend
    ----
    Make both a generated column, or neither.

    ```sql
    ALTER TABLE public.orders ALTER total_cents DROP EXPRESSION;
    ```
    """
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            if bool(mapped.table.columns[field.column].generated) != field.generated and mapped.table.kind not in VIEWS:
                found = "is an ordinary column" if field.generated else "is generated by the database"
                expected = f"{mapped.model.label} " + (
                    "never writes it" if field.generated else "writes it: that fails"
                )
                yield Observation(where=where, found=found, expected=expected, todo=REVERT, hurts=mapped.system.side)

"""What the database fills in by itself: defaults of columns, and generated columns."""

import re
from collections.abc import Iterator

from handover.finding import Observation, Severity
from handover.rules.registry import rule
from handover.rules.statements import alter
from handover.rules.tables import VIEWS
from handover.schema.subject import Mapped, Subject
from handover.schema.twins import Filled, as_value, filled

# Moments of one transaction, and names of random keys, that rows do not tell apart.
ALIKE = (
    (re.compile(r"\b(now|statement_timestamp|transaction_timestamp|clock_timestamp)\(\)|CURRENT_TIMESTAMP"), "now()"),
    (re.compile(r"\b(uuid_generate_v4|uuidv4)\(\)"), "gen_random_uuid()"),
)
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
        how = alter(mapped.table, f'ALTER "{column.field.column}" SET {what}')
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

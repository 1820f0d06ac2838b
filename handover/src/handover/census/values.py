"""Values that a model does not expect: choices, numbers, NULL, times and texts."""

import re
from collections.abc import Iterator

from psycopg import sql

from handover.census.question import COMPARABLE, SURVIVE, Condition, SharedColumn, question, shared_columns
from handover.schema.subject import Pair
from handover.side import Side

FORM_TEXTS = ("CharField", "TextField", "SlugField")
INTEGER_RANGES = {
    "SmallIntegerField": (-(2**15), 2**15 - 1),
    "IntegerField": (-(2**31), 2**31 - 1),
    "BigIntegerField": (-(2**63), 2**63 - 1),
    "PositiveSmallIntegerField": (0, 2**15 - 1),
    "PositiveIntegerField": (0, 2**31 - 1),
    "PositiveBigIntegerField": (0, 2**63 - 1),
}
ADD_CHOICE = "Correct the rows, or add the choice to both models."


@question("HO220")
def beyond_choices(pair: Pair) -> Iterator[Condition]:
    """Rows hold only values that are among the choices.

    What is wrong
    -------------
    Rows hold a value that the `choices` of a model do not list. The database accepts it: choices are checked in Python
    only, by forms and `full_clean()`.

    Why it hurts
    ------------
    Code that handles each choice by name meets a value that it does not know. A form cannot save such a row again.

    Example
    -------
    `shop_orders.status` has the choices `new`, `paid` and `sent`. Three old rows hold `shipped`, which meant `sent`.

    Mend
    ----
    Give the rows a value that the models know, or add the choice to both models.

    ```sql
    UPDATE shop_orders SET status = 'sent' WHERE status = 'shipped';
    ```
    """
    for column in shared_columns(pair):
        # The text of other types is not the same in Python and PostgreSQL.
        if column.live.type.startswith(COMPARABLE):
            yield from _beyond_items(column) if column.is_array else _beyond_values(column)


def _beyond_values(column: SharedColumn) -> Iterator[Condition]:
    known, theirs = set(column.original.values()), set(column.backend.values())
    for side, field in column.sides():
        values = field.values()
        if values and (side is Side.ORIGINAL or set(values) != known):
            allowed = sql.Literal([*values, *([""] if field.blank else [])])
            yield Condition(
                column=column.name,
                condition=sql.SQL("{}::text <> ALL ({})").format(column.sql, allowed),
                found="rows hold another value than " + ", ".join(values),
                expected="the models know no other",
                todo=ADD_CHOICE,
                hurts="both" if set(values) == theirs else side,
            )


def _beyond_items(column: SharedColumn) -> Iterator[Condition]:
    known, theirs = set(column.original.item_values()), set(column.backend.item_values())
    for side, field in column.sides():
        values = field.item_values()
        if values and (side is Side.ORIGINAL or set(values) != known):
            outside = "EXISTS (SELECT FROM unnest({}) AS item WHERE item::text <> ALL ({}))"
            yield Condition(
                column=column.name,
                condition=sql.SQL(outside).format(column.sql, sql.Literal([*values])),
                found="rows hold an item other than " + ", ".join(values),
                expected="the models know no other",
                todo=ADD_CHOICE,
                hurts="both" if set(values) == theirs else side,
            )


@question("HO221")
def not_finite(pair: Pair) -> Iterator[Condition]:
    """Numbers in rows are finite.

    What is wrong
    -------------
    A `double precision`, `real` or `numeric` column holds `NaN`, `Infinity` or `-Infinity`.

    Why it hurts
    ------------
    JSON has no such number: an API that sends it produces a document that browsers cannot parse. PostgreSQL sorts `NaN`
    after every number, Python sorts it anywhere. A sum with it becomes `NaN`.

    Example
    -------
    `library_recordings.duration` is `NaN` in a row that an old import wrote.

    Mend
    ----
    Store NULL or a real number, and forbid the rest.

    ```sql
    UPDATE library_recordings SET duration = NULL WHERE duration IN ('NaN', 'Infinity', '-Infinity');
    ```
    """
    for column in shared_columns(pair):
        if column.live.type.startswith(("double precision", "real", "numeric")):
            among = (
                "{} && '{{NaN,Infinity,-Infinity}}'" if column.is_array else "{} IN ('NaN', 'Infinity', '-Infinity')"
            )
            yield Condition(
                column=column.name,
                condition=sql.SQL(among).format(column.sql),
                found="rows are NaN or infinite",
                expected="JSON has no such number, and neither sorts nor adds up",
                todo=SURVIVE,
            )


@question("HO234")
def beyond_integers(pair: Pair) -> Iterator[Condition]:
    """Numbers in rows are in the range of the models' fields.

    What is wrong
    -------------
    The column is wider than the model's field, and rows use that: a negative number under a `PositiveIntegerField`, or
    a number of 40000 under a `SmallIntegerField`.

    Why it hurts
    ------------
    Django's validators refuse the value, so a form cannot save the row again. Code that relies on the range computes
    with a number that it does not expect.

    Example
    -------
    `shop_orders.items` is a `PositiveIntegerField`. Its check constraint was dropped, and a row holds `-3`.

    Mend
    ----
    Look at the rows and give them the right numbers, one by one. Then add the missing check again.

    ```sql
    SELECT id, items FROM shop_orders WHERE items < 0;
    UPDATE shop_orders SET items = 3 WHERE id = 17;
    ALTER TABLE shop_orders ADD CONSTRAINT shop_orders_items_check CHECK (items >= 0);
    ```
    """
    for column in shared_columns(pair):
        if column.original.primary_key or column.live.type not in ("smallint", "integer", "bigint"):
            continue
        for side, field in column.sides():
            if field.kind in INTEGER_RANGES:
                low, high = INTEGER_RANGES[field.kind]
                yield Condition(
                    column=column.name,
                    condition=sql.SQL("NOT {} BETWEEN {} AND {}").format(column.sql, low, high),
                    found=f"rows are outside {low} to {high}",
                    expected=f"a {field.kind} holds no more",
                    todo="Correct the rows.",
                    severity="breaking",
                    hurts=side,
                )


@question("HO231")
def nulls(pair: Pair) -> Iterator[Condition]:
    """No row is NULL where a model expects a value.

    What is wrong
    -------------
    The column allows NULL, the model's field does not, and rows are NULL.

    Why it hurts
    ------------
    The model reads `None` where its code expects a text or a number, and fails there. A form refuses to save the row
    until a person fills the field.

    Example
    -------
    `library_recordings.title` lost its NOT NULL by hand, and some rows have no title.

    Mend
    ----
    Fill the rows and restore NOT NULL, or make the field `null=True` in both models.

    ```sql
    UPDATE library_recordings SET title = '' WHERE title IS NULL;
    ALTER TABLE library_recordings ALTER title SET NOT NULL;
    ```
    """
    for column in shared_columns(pair):
        for side, field in column.sides() if column.live.null else ():
            if not field.null and not field.generated:
                yield Condition(
                    column=column.name,
                    condition=sql.SQL("{} IS NULL").format(column.sql),
                    found="rows are NULL",
                    expected="the model expects a value",
                    todo="Fill the rows, or make the field null=True in both models.",
                    severity="breaking",
                    hurts=side,
                )


# By the type of a column: what PostgreSQL holds and Python's datetime, time and timedelta do not.
RANGE = "(NOT isfinite(lower({0})) OR NOT isfinite(upper({0})))"  # an open end is no bound
BEYOND_PYTHON = {
    "timestamp": "(NOT isfinite({0}) OR {0} < '0001-01-02' OR {0} > '9999-12-30')",
    "date": "(NOT isfinite({0}) OR {0} < '0001-01-02' OR {0} > '9999-12-30')",
    "time": "{0}::text LIKE '24:%'",
    "interval": "abs(extract(epoch FROM {0})) > 999999998.0 * 86400",
    **dict.fromkeys(("tstzrange", "tsrange", "daterange"), RANGE),
}


@question("HO232")
def beyond_python_times(pair: Pair) -> Iterator[Condition]:
    """Python can read every time in the rows.

    What is wrong
    -------------
    PostgreSQL stores times that Python's `datetime` cannot hold: `infinity`, years before 1 or after 9999, `24:00`,
    very long intervals.

    Why it hurts
    ------------
    Reading such a row raises an error. A list that contains one row of them fails as a whole.

    Example
    -------
    `shop_orders.placed_at` is `infinity` in a row that meant "not yet".

    Mend
    ----
    Look at the rows first: only you know what each time meant. Store that time, between the years 1 and 9999. If a row
    has no time, store NULL where both models allow it.

    ```sql
    SELECT id, placed_at FROM shop_orders
        WHERE NOT isfinite(placed_at) OR placed_at < '0001-01-02' OR placed_at > '9999-12-30';
    UPDATE shop_orders SET placed_at = NULL WHERE NOT isfinite(placed_at);
    ```
    """
    for column in shared_columns(pair):
        kind = (re.match("[a-z]+", column.live.type) or [""])[0]
        if kind in BEYOND_PYTHON and not column.is_array:
            yield Condition(
                column=column.name,
                condition=sql.SQL(BEYOND_PYTHON[kind]).format(column.sql),
                found="rows hold a time that Python cannot",
                expected="reading the row raises an error",
                todo="Correct the rows.",
                severity="breaking",
            )


@question("HO230")
def long_texts(pair: Pair) -> Iterator[Condition]:
    """No text in the rows is longer than a model allows.

    What is wrong
    -------------
    The column accepts longer texts than the `max_length` of a model, and rows hold some.

    Why it hurts
    ------------
    A form refuses to save the row again, whatever else was changed. If the column is shortened to the model's length,
    PostgreSQL refuses.

    Example
    -------
    `shop_orders.number` became `text`; the model says `max_length=20`, and one row holds 30 characters.

    Mend
    ----
    Shorten the rows, or give both models the longer `max_length`.

    ```sql
    SELECT id, number FROM shop_orders WHERE char_length(number) > 20;
    ```
    """
    for column in shared_columns(pair):
        if not column.textual:
            continue
        held = int(column.live.type.partition("(")[2].rstrip(")") or 0)
        for side, field in column.sides():
            if field.max_length and (not held or field.max_length < held):
                yield Condition(
                    column=column.name,
                    condition=sql.SQL("char_length({}) > {}").format(column.sql, field.max_length),
                    found=f"rows are longer than {field.max_length}",
                    expected="the model allows no more",
                    todo="Shorten the rows, or lengthen the field in both models.",
                    severity="breaking",
                    hurts=side,
                )


@question("HO238")
def empty_texts(pair: Pair) -> Iterator[Condition]:
    """No text is empty where a form demands one.

    What is wrong
    -------------
    Rows hold an empty text, and the field of a model is not `blank=True`. Fields with choices and fields of files have
    codes of their own.

    Why it hurts
    ------------
    The admin and every `ModelForm` refuse to save such a row until a person fills the field.

    Example
    -------
    `library_reading_lists.title` is empty in old rows. Who renames one must give it a title.

    Mend
    ----
    Fill the rows, or make the field `blank=True` in both models.

    ```sql
    UPDATE library_reading_lists SET title = 'Untitled' WHERE title = '';
    ```
    """
    for column in shared_columns(pair):
        alike = column.original.blank == column.backend.blank
        for side, field in column.sides() if column.textual else ():
            served_elsewhere = field.values() or field.upload_to or field.references
            if field.blank or served_elsewhere or field.kind not in FORM_TEXTS:
                continue
            yield Condition(
                column=column.name,
                condition=sql.SQL("{} = ''").format(column.sql),
                found="rows hold an empty text",
                expected="a form of the model demands one: whoever edits such a row cannot save it",
                todo="Fill the rows, or make the field blank=True in both models.",
                hurts="both" if alike else side,
            )
            if alike:
                break

"""Keys of rows, and the keys by which rows point at each other."""

from collections.abc import Iterator

from psycopg import sql

from handover.census.question import Condition, Sql, question, shared_columns
from handover.finding import Severity
from handover.schema.subject import Pair, Subject
from handover.schema.types import INTEGERS

UUID_PATTERN = "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"
UUID_LENGTHS = (32, 36)


@question("HO228")
def keys_without_uuid(pair: Pair) -> Iterator[Condition]:
    """Keys that are read as UUIDs are UUIDs.

    What is wrong
    -------------
    A text column holds UUIDs, and some rows hold another text. It is breaking where a model reads the column as a
    `UUIDField`, else risky.

    Why it hurts
    ------------
    Reading the row raises `ValueError`, and an address with that key does not match a `<uuid:…>` route.

    Example
    -------
    `shop_orders.order_id` is `varchar(36)`, and an early row has the key `order seven`.

    Mend
    ----
    Read the key as text in both systems, or give the rows new keys, together with everything that points at them.

    ```sql
    SELECT order_id FROM shop_orders WHERE order_id !~ '^[0-9a-fA-F-]{32,36}$';
    ```
    """
    for column in shared_columns(pair):
        kinds = (column.original.kind, column.backend.kind)
        is_key = column.original.primary_key and column.live.type.startswith("character")
        is_key = is_key and column.original.max_length in UUID_LENGTHS
        if not is_key and (column.live.type == "uuid" or "UUIDField" not in kinds):
            continue
        pattern = sql.Literal(UUID_PATTERN)
        severity: Severity = "breaking"
        bad: Sql = sql.SQL("{}::text !~ {}").format(column.sql, pattern)
        if "UUIDField" not in kinds:
            # Keys of another kind may be as long; only among UUIDs they are strays.
            severity = "risky"
            stray = "({0}::text !~ {1} AND EXISTS (SELECT FROM {2} AS u WHERE u.{0}::text ~ {1}))"
            bad = sql.SQL(stray).format(column.sql, pattern, sql.Identifier(*pair.table.key))
        yield Condition(
            column=column.name,
            condition=bad,
            found="keys are no UUIDs",
            expected="whoever reads the key as UUID fails at them",
            todo="Read it as text, or give the rows new keys.",
            severity=severity,
        )


@question("HO229")
def orphans(subject: Subject, pair: Pair) -> Iterator[Condition]:
    """Every row points at a row that is there.

    What is wrong
    -------------
    A foreign key holds a value, and the table that it points at has no such row. The constraint is missing, NOT VALID
    or switched off.

    Why it hurts
    ------------
    Following the relation raises `DoesNotExist`. Joins leave the row out, so lists and counts differ.

    Example
    -------
    `library_loans.reader_id` names a reader that was deleted while triggers were switched off.

    Mend
    ----
    Look at the rows first. Restore what they point at, or delete them. Then validate the constraint. A row whose key is
    NULL points at nothing and is right: leave it.

    ```sql
    SELECT * FROM library_loans AS t
        WHERE t.reader_id IS NOT NULL AND NOT EXISTS (SELECT FROM library_readers AS r WHERE r.id = t.reader_id);
    DELETE FROM library_loans AS t
        WHERE t.reader_id IS NOT NULL AND NOT EXISTS (SELECT FROM library_readers AS r WHERE r.id = t.reader_id);
    ALTER TABLE library_loans VALIDATE CONSTRAINT library_loans_reader_id_fkey;
    ```
    """
    for column in shared_columns(pair):
        reference = column.original.references or column.backend.references
        target = reference and subject.catalog.find(subject.systems[0].search_path, reference[0])
        if not reference or not target or reference[1] not in target.columns:
            continue
        # Keys of two types are equal when their texts are.
        alike = _family(target.columns[reference[1]].type) == _family(column.live.type)
        here = sql.SQL("t.{}" if alike else "t.{}::text").format(column.sql)
        there = sql.SQL("o.{}" if alike else "o.{}::text").format(sql.Identifier(reference[1]))
        gone = "{} IS NOT NULL AND NOT EXISTS (SELECT FROM {} AS o WHERE {} = {})"
        yield Condition(
            column=column.name,
            condition=sql.SQL(gone).format(column.sql, sql.Identifier(*target.key), there, here),
            found=f"rows point at no row of {target}",
            expected="following the relation raises an error",
            todo="Look at the rows. Restore what they point at, or delete them.",
            severity="breaking",
            alone=True,
        )


def _family(type_name: str) -> str:
    """Return a type's family: within it, values compare without a cast."""
    name = type_name.partition("(")[0]
    return "number" if name in INTEGERS else "text" if name.startswith(("character", "text")) else name

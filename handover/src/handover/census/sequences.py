"""Keys that the database makes: its next one must be ahead of those that are there, and there must be a next one."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection, sql

from handover.census.question import Condition, question
from handover.codes.code import Source, finds
from handover.finding import Observation
from handover.schema.catalog import KeySequence, Table

SCARCE_FRACTION = 0.1  # of all keys; of an integer, 200 million are left then


def next_key(connection: Connection[Any], sequence: KeySequence) -> int:
    """Return the key that the sequence gives next, or would if its type went on.

    A sequence belongs to no snapshot, so it is at least as far as the rows that are seen. An insert of another session
    meanwhile is therefore no false alarm.
    """
    query = sql.SQL("SELECT last_value::numeric + CASE WHEN is_called THEN {} ELSE 0 END FROM {}")
    place = sql.Identifier(*sequence.relation.key)
    row = connection.execute(query.format(sql.Literal(sequence.step), place)).fetchone()
    assert row is not None  # noqa: S101 - a sequence has one row
    return int(row[0])


@question("HO235")
def keys_yet_to_give(
    connection: Connection[Any], table: Table, sequence: KeySequence, following: int
) -> Iterator[Condition]:
    """A sequence is ahead of the keys that are there.

    What is wrong
    -------------
    Rows hold keys that the table's sequence has yet to give. That happens when rows were imported with their keys, or
    when a dump was restored without its sequences.

    Why it hurts
    ------------
    The next insert gets a key that is taken and fails with `IntegrityError`. Each further insert fails until the
    sequence has passed the rows.

    Example
    -------
    `library_readers` has keys up to 40, and `library_readers_id_seq` gives 4 next.

    Mend
    ----
    Set the sequence to the largest key. The finding shows the whole statement.

    ```sql
    SELECT setval('public.library_readers_id_seq', max(id)) FROM library_readers;
    ```
    """
    beyond, last = (">=", "max") if sequence.step > 0 else ("<=", "min")
    cure = sql.SQL("SELECT setval({}, {}({})) FROM {};").format(
        sql.Literal(sql.Identifier(*sequence.relation.key).as_string(connection)),
        sql.SQL(last),
        sql.Identifier(sequence.column),
        sql.Identifier(*table.key),
    )
    yield Condition(
        column=sequence.column,
        condition=sql.SQL("{} {} {}").format(sql.Identifier(sequence.column), sql.SQL(beyond), sql.Literal(following)),
        found=f"rows hold a key that {sequence.relation} has yet to give; its next is {following}",
        expected="an insert that is given a key that is taken fails",
        todo=cure.as_string(connection),
        severity="breaking",
        alone=True,
        indexed=True,
    )


@finds("HO236", Source.CENSUS, "rows", counts="rows among words")
def few_keys_left(table: Table, sequence: KeySequence, following: int) -> Iterator[Observation]:
    """A sequence has enough keys left.

    What is wrong
    -------------
    Less than a tenth of the keys are left (risky), no key is left (breaking), or the sequence begins again at its end
    (`CYCLE`). A sequence may also be wider than its column: then the column is full first.

    Why it hurts
    ------------
    The insert after the last key fails, or is given a key that is taken. Two systems that write use the keys up faster.

    Example
    -------
    `django_content_type.id` is an `integer`, and its sequence stands at 2147483647.

    Mend
    ----
    Make the key `bigint` in the table, in the sequence and in both models. The table is rewritten and locked meanwhile.

    ```sql
    ALTER TABLE orders ALTER id TYPE bigint;
    ALTER SEQUENCE orders_id_seq AS bigint NO CYCLE;
    ```
    """
    where = f"{table}.{sequence.column}"
    if sequence.cycles:
        yield Observation(
            where=where,
            found=f"takes its keys from {sequence.relation}, which begins again at its end (CYCLE)",
            expected="an insert after the last key is given one that is taken",
            todo=f"ALTER SEQUENCE {sequence.relation} NO CYCLE.",
            severity="risky",
            hurts="both",
        )
    end = sequence.highest if sequence.step > 0 else sequence.lowest
    left = max((end - following) // sequence.step + 1, 0)
    every = (sequence.highest - sequence.lowest) // abs(sequence.step) + 1
    if left < SCARCE_FRACTION * every:
        yield Observation(
            where=where,
            found=f"has {left} of {every} keys left: {sequence.relation} ends at {end}",
            expected="an insert after the last key fails",
            todo="Make the column bigint and the sequence AS bigint, with both models; mind the MAXVALUE.",
            severity="risky" if left else "breaking",
            hurts="both",
        )

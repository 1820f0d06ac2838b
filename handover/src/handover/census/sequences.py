"""Keys that the database makes: its next one must be ahead of those that are there, and there must be a next one."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection, sql

from handover.census.questions import Question
from handover.finding import Finding, Severity
from handover.schema.catalog import KeySequence, Table

SCARCE_FRACTION = 0.1  # of all keys; of an integer, 200 million are left then


def next_key(connection: Connection[Any], sequence: KeySequence) -> int:
    """Return the key that the sequence gives next, or would if its type went on.

    A sequence belongs to no snapshot, so it is at least as far as the rows that are seen: nobody's insert meanwhile is
    a false alarm.
    """
    query = sql.SQL("SELECT last_value::numeric + CASE WHEN is_called THEN {} ELSE 0 END FROM {}")
    place = sql.Identifier(*sequence.relation.key)
    row = connection.execute(query.format(sql.Literal(sequence.step), place)).fetchone()
    assert row is not None  # noqa: S101 - a sequence has one row
    return int(row[0])


def next_key_question(connection: Connection[Any], table: Table, sequence: KeySequence, following: int) -> Question:
    """Return whether rows hold a key that the sequence has yet to give, ``following`` or later."""
    beyond, last = (">=", "max") if sequence.step > 0 else ("<=", "min")
    condition = sql.SQL("{} {} {}").format(sql.Identifier(sequence.column), sql.SQL(beyond), sql.Literal(following))
    found = f"rows hold a key that {sequence.relation} has yet to give; its next is {following}"
    expected = "an insert that is given a key that is taken fails"
    cure = sql.SQL("SELECT setval({}, {}({})) FROM {};").format(
        sql.Literal(sql.Identifier(*sequence.relation.key).as_string(connection)),
        sql.SQL(last),
        sql.Identifier(sequence.column),
        sql.Identifier(*table.key),
    )
    todo = cure.as_string(connection)
    return Question("HO235", sequence.column, condition, found, expected, todo, "breaking", alone=True, indexed=True)


def few_keys_left(table: Table, sequence: KeySequence, following: int) -> Iterator[Finding]:
    """Yield whether the keys come to an end, or have, or begin again."""
    if sequence.cycles:
        found = f"takes its keys from {sequence.relation}, which begins again at its end (CYCLE)"
        expected = "an insert after the last key is given one that is taken"
        todo = f"ALTER SEQUENCE {sequence.relation} NO CYCLE."
        yield Finding(
            code="HO236",
            where=f"{table}.{sequence.column}",
            found=found,
            expected=expected,
            todo=todo,
            severity="risky",
            hurts="both",
        )
    end = sequence.highest if sequence.step > 0 else sequence.lowest
    left = max((end - following) // sequence.step + 1, 0)
    every = (sequence.highest - sequence.lowest) // abs(sequence.step) + 1
    if left < SCARCE_FRACTION * every:
        found = f"has {left} of {every} keys left: {sequence.relation} ends at {end}"
        expected = "an insert after the last key fails"
        todo = "Make the column bigint and the sequence AS bigint, with both models; mind the MAXVALUE."
        severity: Severity = "risky" if left else "breaking"
        yield Finding(
            code="HO236",
            where=f"{table}.{sequence.column}",
            found=found,
            expected=expected,
            todo=todo,
            severity=severity,
            hurts="both",
        )

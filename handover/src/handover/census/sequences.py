"""Keys that the database makes: its next one must be ahead of those that are there."""

from typing import Any

from psycopg import Connection, sql

from handover.census.questions import Question
from handover.schema.catalog import KeySequence, Table


def next_key_question(connection: Connection[Any], table: Table, sequence: KeySequence) -> Question:
    """Return whether rows hold a key that the sequence has yet to give.

    A sequence belongs to no snapshot, so it is at least as far as the rows that are seen: nobody's insert meanwhile is
    a false alarm.
    """
    query = sql.SQL("SELECT last_value + CASE WHEN is_called THEN {} ELSE 0 END FROM {}")
    place = sql.Identifier(*sequence.relation.key)
    row = connection.execute(query.format(sql.Literal(sequence.step), place)).fetchone()
    assert row is not None  # noqa: S101 - a sequence has one row
    beyond, last = (">=", "max") if sequence.step > 0 else ("<=", "min")
    condition = sql.SQL("{} {} {}").format(sql.Identifier(sequence.column), sql.SQL(beyond), sql.Literal(row[0]))
    found = f"rows hold a key that {sequence.relation} has yet to give; its next is {row[0]}"
    expected = "an insert that is given a key that is taken fails"
    cure = sql.SQL("SELECT setval({}, {}({})) FROM {};").format(
        sql.Literal(place.as_string(connection)),
        sql.SQL(last),
        sql.Identifier(sequence.column),
        sql.Identifier(*table.key),
    )
    todo = cure.as_string(connection)
    return Question("HO235", sequence.column, condition, found, expected, todo, "breaking", alone=True, indexed=True)

"""A trigger that records every version of a row, on a throw-away copy, and what it recorded."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from itertools import groupby
from typing import Any

import psycopg
from psycopg import sql

from handover.proof.contended_table import ContendedTable
from handover.proof.history import RowState, Version

REMOVE = "DROP TRIGGER IF EXISTS handover_prove ON {table}; DROP SCHEMA IF EXISTS handover_prove CASCADE"
READ = """
    SELECT key, number, transaction, role, operation,
           old_text, old_number, old_status, new_text, new_number, new_status, others
    FROM handover_prove.versions WHERE key = ANY(%s) ORDER BY key COLLATE "C", number
"""
# Not every type can be compared for equality; the text of any can.
COMPARED = "CASE WHEN NEW.{0}::text IS DISTINCT FROM OLD.{0}::text THEN {1} END"


@contextmanager
def recorded_versions(url: str, contended: ContendedTable) -> Iterator[None]:
    """Record the versions of the table's rows within the block; the trigger is removed at its end."""
    table = table_of(contended)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_install(contended))
    try:
        yield
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL(REMOVE).format(table=table))


def _install(contended: ContendedTable) -> sql.Composed:
    others = [
        sql.SQL(COMPARED).format(sql.Identifier(contended.own(column)), sql.Literal(column))
        for column in contended.columns
        if column not in contended.silent
    ]
    names = {
        "text": contended.text,
        "number": contended.number,
        "status": contended.status,
        "key": contended.key.column,
    }
    return sql.SQL(files("handover.proof").joinpath("versions.sql").read_text()).format(
        table=table_of(contended),
        others=sql.SQL(", ").join(others) if others else sql.SQL("NULL"),
        **{name: sql.Identifier(contended.own(column)) for name, column in names.items()},
    )


def table_of(contended: ContendedTable) -> sql.Composable:
    """Return the table's name; Django's trick for another schema is ``schema"."table``."""
    return sql.SQL(".").join(sql.Identifier(part) for part in contended.pair.table.split('"."'))


def read(connection: psycopg.Connection[Any], keys: Sequence[str], prefix: str) -> Iterator[tuple[str, list[Version]]]:
    """Yield the versions of each row, row by row, in the order in which they were written.

    Parameters
    ----------
    connection
        A session on the database.
    keys
        The rows.
    prefix
        What stands before the id of an operation in a text.
    """
    with connection.transaction(), connection.cursor("handover_versions") as cursor:
        cursor.itersize = 5_000
        cursor.execute(READ, [list(keys)])
        for key, rows in groupby(cursor, key=lambda row: row[0]):
            yield key, [_version(row, prefix) for row in rows]


def finals(
    connection: psycopg.Connection[Any], contended: ContendedTable, keys: Sequence[str], prefix: str
) -> dict[str, RowState]:
    """Return the present state of the rows.

    Parameters
    ----------
    connection
        A session on the database.
    contended
        The table.
    keys
        The rows.
    prefix
        What stands before the id of an operation in a text.
    """
    names = {"text": contended.text, "number": contended.number, "status": contended.status}
    columns = {name: sql.Identifier(contended.own(column)) for name, column in names.items()}
    query = sql.SQL(
        "SELECT {key}::text, {text}, {number}, {status}::text FROM {table} WHERE {key}::text = ANY(%s)"
    ).format(key=sql.Identifier(contended.own(contended.key.column)), table=table_of(contended), **columns)
    return {
        key: (id_of(text, prefix), number, status) for key, text, number, status in connection.execute(query, [keys])
    }


def id_of(text: str | None, prefix: str) -> int | None:
    """Return the operation that a text names, None for anything else."""
    digits = text.removeprefix(prefix) if text and text.startswith(prefix) else ""
    return int(digits) if digits.isdigit() else None


def _version(row: Sequence[Any], prefix: str) -> Version:
    _, number, transaction, role, operation, old_text, old_number, old_status, *new, others = row
    old = None if old_number is None else (id_of(old_text, prefix), old_number, old_status)
    new_state = None if new[1] is None else (id_of(new[0], prefix), new[1], new[2])
    return Version(number, transaction, role, id_of(operation, prefix), old, new_state, others)

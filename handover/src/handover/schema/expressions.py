"""Expressions as PostgreSQL prints them, so that two with the same meaning have the same text.

EXPLAIN parses an expression, adds types, folds constants and prints it; it runs nothing. The model's expression and the
catalog's are both printed in this way.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection, errors, sql

from handover.schema.catalog import Key
from handover.schema.definition import groups, split

Expressions = Mapping[tuple[Key, str], str]
# Errors about the whole table, not about an expression.
UNSEEN = (errors.InsufficientPrivilege, errors.LockNotAvailable, errors.QueryCanceled)
ARRAY = re.compile(r"(= ANY|<> ALL) \('\{(.*?)\}'::")


def read_expressions(connection: Connection[Any], asked: Mapping[Key, Iterable[str]]) -> Expressions:
    """Return expressions over tables as PostgreSQL prints them, without those that it cannot parse.

    Parameters
    ----------
    connection
        In a read-only snapshot.
    asked
        Table → expressions over its columns.
    """
    found: dict[tuple[Key, str], str] = {}
    for table, expressions in asked.items():
        texts = list(dict.fromkeys(expressions))
        try:
            printed = _printed(connection, table, texts)
            if len(printed) != len(texts):  # one of them is wrong
                printed = [(_printed(connection, table, [text]) or [""])[0] for text in texts]
        except UNSEEN:
            continue
        found |= {(table, text): normalized(told) for text, told in zip(texts, printed, strict=True) if told}
    return found


def _printed(connection: Connection[Any], table: Key, texts: list[str]) -> list[str]:
    query = sql.SQL("EXPLAIN (VERBOSE, FORMAT JSON) SELECT {} FROM ONLY {}").format(
        sql.SQL(", ").join(sql.SQL(f"({text})") for text in texts),
        sql.Identifier(*table),
    )
    try:
        with connection.transaction():  # a savepoint: what cannot be read must not end the snapshot
            connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            row = connection.execute(query).fetchone()
    except UNSEEN:
        raise
    except errors.Error:
        return []
    return list(row[0][0]["Plan"].get("Output", [])) if row else []


def normalized(text: str) -> str:
    """Return a printed expression in which the values of lists and the parts of AND and OR are sorted.

    Examples
    --------
    >>> normalized("((b = ANY ('{2,1}'::integer[])) AND (a > 1))")
    "((a > 1) AND (b = ANY ('{1,2}'::integer[])))"
    """
    text = ARRAY.sub(lambda found: f"{found[1]} ('{{{','.join(sorted(found[2].split(',')))}}}'::", text)
    if not text.startswith("(") or len(groups(text)) > 1:
        return text
    inner = text[1:-1]
    for word in ("AND", "OR"):
        parts = split(inner, word)
        if len(parts) > 1:
            return f"({f' {word} '.join(sorted(map(normalized, parts)))})"
    return f"(NOT {normalized(inner[4:])})" if inner.startswith("NOT (") else text

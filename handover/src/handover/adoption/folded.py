"""What only the original needed and is folded away: the record of it, which an undo needs."""

from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

SCHEMA, RECORD = "retired", "handover_finish"


@dataclass(frozen=True)
class Right:
    """What the original's role may do with something of ``public``; ``kind`` and ``name`` as GRANT wants them."""

    kind: str
    name: list[str]
    rights: list[str]
    grantable: bool
    owns: bool
    mine: bool


@dataclass(frozen=True)
class Finish:
    """What is folded away, and why the rest stays where it is.

    Attributes
    ----------
    tables
        Names of the tables of ``public`` that move.
    role, rights
        The original's role, and what it loses.
    kept
        One line for each thing that was looked at and stays.
    """

    tables: tuple[str, ...]
    role: str
    rights: tuple[Right, ...]
    kept: tuple[str, ...]


def recorded(connection: Connection[Any]) -> Finish | None:
    """Return what was folded away, or None."""
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{SCHEMA}.{RECORD}"]).fetchone()
    if not row or not row[0]:
        return None
    kept = connection.execute(sql.SQL("SELECT record FROM {}").format(sql.Identifier(SCHEMA, RECORD))).fetchone()
    assert kept is not None  # noqa: S101 - written in the same transaction as the table
    values = kept[0]
    rights = tuple(Right(**right) for right in values["rights"])
    return Finish(tuple(values["tables"]), values["role"], rights, tuple(values["kept"]))

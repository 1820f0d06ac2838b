"""The record of the tables and rights that only the original needed, which moved to the schema ``retired``."""

from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

SCHEMA, RECORD = "retired", "handover_finish"


@dataclass(frozen=True)
class Right:
    """A right of the original's role on an object of ``public``; ``kind`` and ``name`` as GRANT takes them."""

    kind: str
    name: list[str]
    rights: list[str]
    grantable: bool
    owns: bool
    mine: bool


@dataclass(frozen=True)
class Finish:
    """What moves to the schema ``retired``, and why the rest stays.

    Attributes
    ----------
    tables
        Names of the tables of ``public`` that move.
    role, rights
        The original's role, and the rights that it loses.
    kept
        One line for each table that stays, with the reason.
    """

    tables: tuple[str, ...]
    role: str
    rights: tuple[Right, ...]
    kept: tuple[str, ...]


def recorded_finish(connection: Connection[Any]) -> Finish | None:
    """Return the record; None if nothing has moved."""
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{SCHEMA}.{RECORD}"]).fetchone()
    if not row or not row[0]:
        return None
    kept = connection.execute(sql.SQL("SELECT record FROM {}").format(sql.Identifier(SCHEMA, RECORD))).fetchone()
    assert kept is not None  # noqa: S101 - written in the same transaction as the table
    values = kept[0]
    rights = tuple(Right(**right) for right in values["rights"])
    return Finish(tuple(values["tables"]), values["role"], rights, tuple(values["kept"]))

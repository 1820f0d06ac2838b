"""Advice as whole statements: what a person runs is what was tried."""

from collections.abc import Iterable

from handover.schema.catalog import LiveConstraint, Table
from handover.wording import identifier


def name_of(table: Table) -> str:
    """Return a table's name as SQL."""
    return f"{identifier(table.schema)}.{identifier(table.name)}"


def listed(columns: Iterable[str]) -> str:
    """Return columns as SQL."""
    return ", ".join(map(identifier, columns))


def alter(table: Table, action: str) -> str:
    """Return the statement that alters a table."""
    return f"ALTER TABLE {name_of(table)} {action};"


def again(table: Table, constraint: LiveConstraint, definition: str) -> str:
    """Return the statement that makes a constraint again, with another definition.

    Parameters
    ----------
    table, constraint
        The live constraint.
    definition
        Its new definition.
    """
    name = identifier(constraint.name)
    return alter(table, f"DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition}")

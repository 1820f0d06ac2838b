"""Add a column."""

from typing import Literal

from handover.evolve.operations.operation import EvolveOperation, SqlText, ThingName


class AddColumn(EvolveOperation):
    """Add a column; ``default`` is SQL, and must be the same for every row."""

    kind: Literal["add_column"]
    column: ThingName
    type: SqlText
    default: str = ""
    nullable: bool = True

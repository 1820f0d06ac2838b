"""Add a column whose value follows from others."""

from typing import Literal

from handover.evolve.operations.operation import EvolveOperation, SqlText, ThingName


class AddGeneratedColumn(EvolveOperation):
    """Add a column whose value is ``expression`` of the row's other columns, kept up to date without a rewrite."""

    kind: Literal["add_generated_column"]
    column: ThingName
    type: SqlText
    expression: SqlText

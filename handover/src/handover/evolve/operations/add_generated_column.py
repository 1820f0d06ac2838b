"""Add a column whose value follows from others."""

from typing import Literal

from handover.errors import Refused
from handover.evolve.draft import AddedColumn, EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, SqlText, ThingName


class AddGeneratedColumn(EvolveOperation):
    """Add a column whose value is ``expression`` of the row's other columns, kept up to date without a rewrite."""

    kind: Literal["add_generated_column"]
    column: ThingName
    type: SqlText
    expression: SqlText

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft. A stored generated column would rewrite the table, so a trigger keeps this one.

        Raises
        ------
        Refused
            The table has the column already.
        """
        table = draft.table(self.table)
        if self.column in {*table.new_columns(), *table.facts.columns}:
            raise Refused(f"{self.table} has a column {self.column} already. Choose another name.", code="HO660")
        table.added[self.column] = AddedColumn(name=self.column, type=self.type, expression=self.expression)

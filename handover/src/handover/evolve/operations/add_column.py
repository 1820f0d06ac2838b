"""Add a column."""

from typing import Literal

from handover.errors import Refused
from handover.evolve.draft import AddedColumn, EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, SqlText, ThingName


class AddColumn(EvolveOperation):
    """Add a column; ``default`` is SQL, and must be the same for every row."""

    kind: Literal["add_column"]
    column: ThingName
    type: SqlText
    default: str = ""
    nullable: bool = True

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft.

        Raises
        ------
        Refused
            The table has the column already, or it is NOT NULL without a default.
        """
        table = draft.table(self.table)
        if self.column in {*table.new_columns(), *table.facts.columns}:
            raise Refused(f"{self.table} has a column {self.column} already. Choose another name.", code="HO660")
        if not self.nullable and not self.default:
            message = (
                f"{self.table}.{self.column} is NOT NULL without a default, but the old shape does not fill it in."
            )
            raise Refused(f"{message} Add `default`, or allow NULL.", code="HO660")
        table.added[self.column] = AddedColumn(
            name=self.column, type=self.type, default=self.default, nullable=self.nullable
        )

"""Create a table."""

from typing import Literal

from pydantic import Field

from handover.evolve.draft import CreatedTable, EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, SqlText, ThingName


class CreateTable(EvolveOperation):
    """Create a table: each of ``columns`` with its definition as SQL, then ``constraints`` as SQL."""

    kind: Literal["create_table"]
    columns: dict[ThingName, SqlText] = Field(min_length=1)
    constraints: tuple[SqlText, ...] = ()

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft."""
        draft.created.append(CreatedTable(name=self.table, columns=dict(self.columns), constraints=self.constraints))

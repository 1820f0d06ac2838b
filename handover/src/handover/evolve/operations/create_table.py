"""Create a table."""

from typing import Annotated, Literal

from pydantic import Field

from handover.evolve.draft import CreatedTable, EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, SqlText, ThingName

TableRight = Literal["SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES"]


class CreateTable(EvolveOperation):
    """Create a table: each of ``columns`` with its definition as SQL, then ``constraints`` as SQL.

    ``grants`` has the rights of each role that may use it; without it only the owner may.
    """

    kind: Literal["create_table"]
    columns: dict[ThingName, SqlText] = Field(min_length=1)
    constraints: tuple[SqlText, ...] = ()
    grants: dict[ThingName, Annotated[tuple[TableRight, ...], Field(min_length=1)]] = Field(default_factory=dict)

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft."""
        created = CreatedTable(
            name=self.table, columns=dict(self.columns), constraints=self.constraints, grants=dict(self.grants)
        )
        draft.created.append(created)

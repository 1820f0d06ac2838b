"""Add a foreign key."""

from typing import Literal

from handover.evolve.draft import AddedForeignKey, EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, ThingName


class AddForeignKey(EvolveOperation):
    """Add a foreign key from ``column`` to ``references`` (a table) and its ``references_column``."""

    kind: Literal["add_foreign_key"]
    column: ThingName
    name: ThingName
    references: ThingName
    references_column: ThingName = "id"
    on_delete: Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"] = "NO ACTION"
    deferrable: bool = True

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft."""
        draft.table(self.table).foreign_keys.append(
            AddedForeignKey(
                name=self.name,
                column=self.column,
                references=self.references,
                references_column=self.references_column,
                on_delete=self.on_delete,
                deferrable=self.deferrable,
            )
        )

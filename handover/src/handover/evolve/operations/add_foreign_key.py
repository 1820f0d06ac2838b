"""Add a foreign key."""

from typing import Literal

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

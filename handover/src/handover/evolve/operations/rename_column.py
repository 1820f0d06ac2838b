"""Rename a column."""

from typing import Literal

from handover.evolve.operations.operation import EvolveOperation, ThingName


class RenameColumn(EvolveOperation):
    """Rename ``column``; its new name is ``to``."""

    kind: Literal["rename_column"]
    column: ThingName
    to: ThingName

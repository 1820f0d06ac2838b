"""Rename values of a column, as those of an enumeration."""

from typing import Literal

from pydantic import Field

from handover.evolve.operations.operation import EvolveOperation, ThingName


class RenameValues(EvolveOperation):
    """Rename values: ``values`` has the new value for each old one; all others stay."""

    kind: Literal["rename_values"]
    column: ThingName
    values: dict[str, str] = Field(min_length=1)

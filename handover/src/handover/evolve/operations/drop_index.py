"""Drop an index."""

from typing import Literal

from handover.evolve.operations.operation import EvolveOperation, ThingName


class DropIndex(EvolveOperation):
    """Drop the index ``name``, when the evolution is contracted."""

    kind: Literal["drop_index"]
    name: ThingName

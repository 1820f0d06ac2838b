"""Add an index for full-text search."""

from typing import Literal

from pydantic import Field

from handover.evolve.operations.operation import EvolveOperation, ThingName


class FullTextIndex(EvolveOperation):
    """Add a full-text index over ``columns``, each with its weight, in the text search ``configuration``."""

    kind: Literal["full_text_index"]
    name: ThingName
    columns: dict[ThingName, Literal["A", "B", "C", "D"]] = Field(min_length=1)
    configuration: ThingName = "simple"

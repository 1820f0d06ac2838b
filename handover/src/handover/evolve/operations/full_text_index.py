"""Add an index for full-text search."""

from typing import Literal

from pydantic import Field

from handover.evolve.draft import AddedIndex, EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, ThingName
from handover.wording import identifier, literal


class FullTextIndex(EvolveOperation):
    """Add a full-text index over ``columns``, each with its weight, in the text search ``configuration``."""

    kind: Literal["full_text_index"]
    name: ThingName
    columns: dict[ThingName, Literal["A", "B", "C", "D"]] = Field(min_length=1)
    configuration: ThingName = "simple"

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft: an index on an expression, so that no column is added and no row is written."""
        index = AddedIndex(name=self.name, parts=(f"({self.expression})",), method="gin")
        draft.table(self.table).indexes.append(index)

    @property
    def expression(self) -> str:
        """What is indexed; a query that is to use the index has the same expression."""
        configuration = f"{literal(self.configuration)}::pg_catalog.regconfig"
        texts = {f"COALESCE({identifier(column)}, '')": weight for column, weight in self.columns.items()}
        vectors = {f"pg_catalog.to_tsvector({configuration}, {text})": weight for text, weight in texts.items()}
        return " || ".join(f"pg_catalog.setweight({vector}, '{weight}')" for vector, weight in vectors.items())

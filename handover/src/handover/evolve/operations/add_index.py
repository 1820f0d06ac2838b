"""Add an index."""

from typing import Literal

from pydantic import Field

from handover.evolve.draft import AddedIndex, EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, SqlText, ThingName


class AddIndex(EvolveOperation):
    """Add an index.

    Attributes
    ----------
    name, columns
        Its name, and its parts in order, each as SQL: ``created_at DESC``, ``lower(title)``.
    method, unique, include, where
        As ``CREATE INDEX`` has them.
    """

    kind: Literal["add_index"]
    name: ThingName
    columns: tuple[SqlText, ...] = Field(min_length=1)
    method: Literal["btree", "hash", "gist", "gin", "brin", "spgist"] = "btree"
    unique: bool = False
    include: tuple[ThingName, ...] = ()
    where: str = ""

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft."""
        index = AddedIndex(
            name=self.name,
            parts=self.columns,
            method=self.method,
            unique=self.unique,
            include=self.include,
            where=self.where,
        )
        draft.table(self.table).indexes.append(index)

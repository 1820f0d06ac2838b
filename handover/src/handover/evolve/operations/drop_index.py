"""Drop an index."""

from typing import Literal

from handover.errors import Refused
from handover.evolve.draft import EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, ThingName


class DropIndex(EvolveOperation):
    """Drop the index ``name``, when the evolution is contracted."""

    kind: Literal["drop_index"]
    name: ThingName

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft.

        Raises
        ------
        Refused
            The table has no such index, or the index belongs to a constraint.
        """
        table = draft.table(self.table)
        index = next((one for one in table.facts.indexes if one.name == self.name), None)
        if index is None:
            there = ", ".join(one.name for one in table.facts.indexes) or "no index"
            raise Refused(f"{self.table} has no index {self.name}; it has {there}. Correct `name`.", code="HO660")
        if index.constraint:
            message = f"index {self.name} of {self.table} belongs to the constraint {index.constraint}."
            raise Refused(f"{message} An index of a key cannot be dropped alone; leave it.", code="HO660")
        table.dropped_indexes.append(self.name)

"""Rename values of a column, as those of an enumeration."""

from typing import Literal

from pydantic import Field

from handover.evolve.draft import EvolutionDraft, values_case
from handover.evolve.operations.operation import EvolveOperation, ThingName


class RenameValues(EvolveOperation):
    """Rename values: ``values`` has the new value for each old one; all others stay."""

    kind: Literal["rename_values"]
    column: ThingName
    values: dict[str, str] = Field(min_length=1)

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft."""
        pair = draft.make_pair(draft.table(self.table), self.column)
        # Of several old values with one new value, the first is the way back.
        back = {new: old for old, new in reversed(self.values.items())}
        pair.convert(values_case(self.values), values_case(back))
        pair.many_to_one |= len(back) < len(self.values)

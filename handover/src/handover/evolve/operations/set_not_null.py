"""Make a column NOT NULL."""

from typing import Literal

from handover.evolve.draft import EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, ThingName


class SetNotNull(EvolveOperation):
    """Make ``column`` NOT NULL; ``fill`` is the SQL of the value instead of NULL, empty: a row with NULL is refused."""

    kind: Literal["set_not_null"]
    column: ThingName
    fill: str = ""

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft. With `fill` the column gets a shadow: the old shape keeps its NULL."""
        table = draft.table(self.table)
        old = draft.column_of(table, self.column)
        if self.fill or old.name in table.pairs:
            pair = draft.make_pair(table, self.column)
            pair.not_null = True
            if self.fill:
                pair.convert(f"COALESCE($1, {self.fill})", "$1")
                pair.many_to_one = True
        else:
            table.not_null.append(table.new_name(old.name))

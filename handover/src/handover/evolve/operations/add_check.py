"""Add a check."""

from typing import Literal

from handover.evolve.draft import AddedCheck, EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, SqlText, ThingName


class AddCheck(EvolveOperation):
    """Add a check of one column.

    Attributes
    ----------
    column, name, check
        The column, the constraint's name, and the condition on the value ``$1``.
    repair
        What the new shape holds instead of a value ``$1`` that breaks the check; empty: such a row is refused at the
        start, and so is such a write.
    """

    kind: Literal["add_check"]
    column: ThingName
    name: ThingName
    check: SqlText
    repair: str = ""

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft.

        With a repair the column gets a shadow: the old shape keeps the value that it wrote.
        """
        table = draft.table(self.table)
        old = draft.column_of(table, self.column)
        if self.repair:
            pair = draft.make_pair(table, self.column)
            pair.convert(f"CASE WHEN ({self.check}) IS NOT FALSE THEN $1 ELSE {self.repair} END", "$1")
            pair.many_to_one = True
        replaces = any(one.name == self.name and one.columns == (old.name,) for one in table.facts.checks)
        added = AddedCheck(
            name=self.name,
            column=table.new_name(old.name),
            check=self.check,
            replaces=replaces,
            repaired=bool(self.repair),
        )
        table.checks.append(added)

"""Rename a column."""

from typing import Literal

from handover.errors import Refused
from handover.evolve.draft import EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, ThingName


class RenameColumn(EvolveOperation):
    """Rename a column.

    Attributes
    ----------
    column, to
        Its name, and its new name.
    names
        Indexes and constraints whose names follow from the column's: old name and new one. They are renamed by the
        contract, so that the table has the names of a fresh schema.
    """

    kind: Literal["rename_column"]
    column: ThingName
    to: ThingName
    names: dict[ThingName, ThingName] = {}

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft.

        Raises
        ------
        Refused
            The new name is taken.
        """
        table = draft.table(self.table)
        old = draft.column_of(table, self.column)
        if self.to in table.new_columns() or self.to in table.facts.columns:
            message = f"{self.table} has a column {self.to} already, so {self.column} cannot get that name."
            raise Refused(f"{message} Choose another name.", code="HO660")
        known = {*(one.name for one in table.facts.indexes), *(one.name for one in table.facts.checks)}
        known |= {one.name for one in table.facts.own_foreign_keys()}
        if unknown := sorted(self.names.keys() - known):
            message = f"{self.table} has no index or constraint {unknown[0]}; it has {', '.join(sorted(known))}."
            raise Refused(f"{message} Correct `names`.", code="HO660")
        table.renamed[old.name] = self.to
        table.new_names.update(self.names)

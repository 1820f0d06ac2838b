"""Drop a column."""

from typing import Literal

from handover.errors import Refused
from handover.evolve.draft import EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, ThingName


class DropColumn(EvolveOperation):
    """Drop a column; ``down`` is the SQL of its value in rows that are written without it, empty: its default."""

    kind: Literal["drop_column"]
    column: ThingName
    down: str = ""

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft.

        Raises
        ------
        Refused
            The new shape could not insert a row: the column is NOT NULL and has no value without it.
        """
        table = draft.table(self.table)
        old = draft.column_of(table, self.column)
        if old.name in table.pairs or old.name in table.renamed:
            message = f"{self.table}.{self.column} is changed and dropped by one evolution."
            raise Refused(f"{message} Leave out one of the two operations.", code="HO660")
        filled = self.down or old.default or old.identity or old.generated
        if old.not_null and not filled:
            message = (
                f"{self.table}.{self.column} is NOT NULL and has no default, so the new shape could insert no row."
            )
            raise Refused(f"{message} Add `down`: the SQL of its value in such rows.", code="HO660")
        table.dropped[old.name] = self.down

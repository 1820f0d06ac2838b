"""Change a column's type, also of a key, together with the foreign keys that point at it."""

import re
from typing import Literal

from handover.evolve.draft import EvolutionDraft
from handover.evolve.operations.operation import EvolveOperation, SqlText, ThingName


class ChangeType(EvolveOperation):
    """Change a column's type.

    Attributes
    ----------
    column, type
        The column, and its new type as SQL, with its collation.
    up, down
        From the old value to the new one, and back. A row whose value comes back as another is refused at the start.
    mapped
        Condition on the old value ``$1``: these values are not converted but mapped. They are listed before the start,
        and their way back is not compared.
    default
        SQL of the new column's default; empty: the old one's, converted.
    repeatable
        Its author vouches that ``up`` and ``down`` always give the same result for the same value, although PostgreSQL
        does not call a function in them IMMUTABLE; ``convert_to`` is such a function.
    """

    kind: Literal["change_type"]
    column: ThingName
    type: SqlText
    up: SqlText
    down: SqlText
    mapped: str = ""
    default: str = ""
    repeatable: bool = False

    def declare(self, draft: EvolutionDraft) -> None:
        """Put it into the draft."""
        pair = draft.make_pair(draft.table(self.table), self.column)
        pair.convert(self.up, self.down)
        pair.type, *collation = re.split(r"\s+COLLATE\s+", self.type, maxsplit=1, flags=re.IGNORECASE)
        pair.mapped, pair.collation = self.mapped, collation[0] if collation else None
        pair.repeatable |= self.repeatable
        if self.default:
            pair.default = self.default

"""Change a column's type, also of a key, together with the foreign keys that point at it."""

from typing import Literal

from handover.evolve.operations.operation import EvolveOperation, SqlText, ThingName


class ChangeType(EvolveOperation):
    """Change a column's type.

    Attributes
    ----------
    column, type
        The column, and its new type as SQL.
    up, down
        From the old value to the new one, and back. A row whose value comes back as another is refused at the start.
    mapped
        Condition on the old value ``$1``: these values are not converted but mapped. They are listed before the start,
        and their way back is not compared.
    """

    kind: Literal["change_type"]
    column: ThingName
    type: SqlText
    up: SqlText
    down: SqlText
    mapped: str = ""

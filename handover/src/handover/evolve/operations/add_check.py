"""Add a check."""

from typing import Literal

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

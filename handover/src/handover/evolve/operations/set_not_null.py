"""Make a column NOT NULL."""

from typing import Literal

from handover.evolve.operations.operation import EvolveOperation, ThingName


class SetNotNull(EvolveOperation):
    """Make ``column`` NOT NULL; ``fill`` is the SQL of the value instead of NULL, empty: a row with NULL is refused."""

    kind: Literal["set_not_null"]
    column: ThingName
    fill: str = ""

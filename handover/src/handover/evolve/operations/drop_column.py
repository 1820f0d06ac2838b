"""Drop a column."""

from typing import Literal

from handover.evolve.operations.operation import EvolveOperation, ThingName


class DropColumn(EvolveOperation):
    """Drop a column; ``down`` is the SQL of its value in rows that are written without it, empty: its default."""

    kind: Literal["drop_column"]
    column: ThingName
    down: str = ""

"""What every operation of an evolution has."""

from typing import Annotated

from pydantic import Field

from handover.config.section import Section

# Names of tables and columns of the shared tables, as the catalog has them.
ThingName = Annotated[str, Field(min_length=1, max_length=63)]
SqlText = Annotated[str, Field(min_length=1)]


class EvolveOperation(Section):
    """One change that an evolution declares, one kind a module.

    In ``up``, ``down`` and other SQL of an operation ``$1`` stands for the value that is converted or checked.
    """

    kind: str
    table: ThingName

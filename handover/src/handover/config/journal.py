"""The section ``[journal]`` of ``handover.toml``."""

from typing import Annotated

from pydantic import Field

from handover.config.section import Section


class JournalSettings(Section):
    """Where the journal is kept.

    Attributes
    ----------
    role
        The role that owns the schema ``handover``; made and removed by ``handover init-journal``.
    lease_s
        For how long one operator holds the lease without renewing it, in seconds of the database's clock.
    """

    role: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = "handover_journal"
    lease_s: float = Field(default=30.0, gt=0)

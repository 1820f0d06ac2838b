"""``[evolve]`` of ``handover.toml``: where the evolutions are, which roles are old, and how gently to work."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from handover.config.section import Section

# A role may have any name that PostgreSQL lets it have, but for a quote; the names of schemas are our own.
RoleName = Annotated[str, Field(pattern=r'^[^"\x00]{1,63}$')]
SchemaName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
EvolveGate = Literal["stable", "decommissioned", "users-moved", "no-rollback"]
EVOLVE_GATES: tuple[EvolveGate, ...] = ("stable", "decommissioned", "users-moved", "no-rollback")


class LatencyProbe(Section):
    """A read that users make; while it takes longer than ``limit_ms``, a backfill waits."""

    sql: str = Field(min_length=1)
    limit_ms: float = Field(gt=0)


class EvolveSettings(Section):
    """How the schema is changed online.

    Attributes
    ----------
    folder
        Where the files ``NNNN_name.toml`` are, relative to ``handover.toml``.
    old_roles
        Roles whose sessions expect the old shape. While both shapes live they find it in ``old_schema``.
    carrying_roles
        Roles whose systems set the search path of each session themselves, so that the role's setting is left alone.
    kept_rights
        Old roles from which the contract does not take the rights on the changed tables: the tables' owner, or a role
        whose system goes on with the new shape.
    shared_schema
        The schema of the shared tables.
    old_schema, new_schema
        The schemas with the views of the old and of the new shape.
    lock_timeout_ms
        How long a statement may wait for a strong lock; users wait behind it meanwhile.
    attempts
        How often a transaction tries to get its locks before the step fails.
    batch_ms
        How long one batch of a backfill should take: so long may a user wait for a row of it.
    recycle_s
        How long sessions from before may go on until idle ones are ended.
    replication_lag_s
        While a standby is further behind than this, a backfill waits.
    latency
        A read that users make; see :class:`LatencyProbe`.
    new_sessions
        A condition on ``pg_stat_activity`` that is true for sessions that expect the new shape.
    path_sessions
        A condition that is true for sessions of carrying roles that set their search path. While another session of
        these roles is there, a switch is refused. Empty: all of them are believed to set it.
    accepted_triggers
        Triggers of the tables' own that may fire for each row that a backfill fills.
    accepted_functions
        Functions, as PostgreSQL prints them with their arguments, whose text names a changed column and may.
    statements
        Statements that clients of the old shape make, with ``$1`` for values: they are tried through the views before
        the start, as are those that ``pg_stat_statements`` has recorded.
    accepted_statements
        Recorded statements, by their ``queryid``, that are not made any more.
    other_roles
        Roles that may use the tables and are no clients, for example those of administrators.
    stable_h, stable_share
        For how many hours people must have been on the backend before an evolution may start, and the share of that
        time in which every watched metric of the backend must have been green.
    """

    folder: Path = Path("evolution")
    old_roles: tuple[RoleName, ...] = ()
    carrying_roles: tuple[RoleName, ...] = ()
    other_roles: tuple[RoleName, ...] = ()
    kept_rights: tuple[RoleName, ...] = ()
    shared_schema: SchemaName = "public"
    old_schema: SchemaName = "phase1"
    new_schema: SchemaName = "phase2"
    lock_timeout_ms: int = Field(default=15, ge=1)
    attempts: int = Field(default=200, ge=1)
    batch_ms: float = Field(default=20, gt=0)
    recycle_s: float = Field(default=300, ge=0)
    replication_lag_s: float = Field(default=5, gt=0)
    latency: LatencyProbe | None = None
    new_sessions: str = ""
    path_sessions: str = ""
    accepted_triggers: tuple[str, ...] = ()
    accepted_functions: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    accepted_statements: tuple[str, ...] = ()
    stable_h: float = Field(default=168, gt=0)
    stable_share: float = Field(default=0.99, ge=0, le=1)

"""The sections of ``handover.toml`` about the move: gates, verification, rollback, clean-up, traffic, hooks."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from handover.config.section import Section
from handover.config.signing import Signer

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
GateKind = Literal["check", "proofs", "watch", "backup", "rehearsal", "certificate", "ttl", "capacity", "sign-offs"]
HookPoint = Literal["before-switch", "after-switch", "traffic", "drain", "notify", "page", "after-rollback"]
# The signers of the strategy. A gate of kind `sign-offs` without `roles` has always asked for them.
STRATEGY_SIGNERS = ("Tech Lead", "Backend Developer", "Database Administrator", "DevOps")


class Gate(Section):
    """One thing that must hold before people are moved.

    Attributes
    ----------
    id, kind, reason
        Its name, what is looked at, and why it matters here.
    max_age_h
        How old the evidence may be, in hours.
    hours
        Of ``watch``: for how long every window must have been green.
    min_days
        Of ``certificate``: how long it must still be valid.
    host, port
        Of ``certificate``: where the new address answers, when that is not the backend's ``base_url``.
    factor
        Of ``capacity``: how many times the measured peak must have been carried.
    roles
        Of ``sign-offs``: which roles must have signed; the strategy's four where a file names none.
    signers
        Of ``sign-offs``: by role, who may sign and what proves that it is that person; else any account.
    one_may_sign_all
        Of ``sign-offs``: whether one person may sign for several roles.
    """

    id: Id
    kind: GateKind
    reason: str = Field(min_length=1)
    max_age_h: float = Field(default=24.0, gt=0)
    hours: float = Field(default=24.0, gt=0)
    min_days: int = Field(default=14, ge=1)
    host: str | None = None
    port: int = Field(default=443, ge=1, le=65535)
    factor: float = Field(default=2.0, gt=0)
    roles: tuple[str, ...] = STRATEGY_SIGNERS
    signers: dict[str, Signer] = {}
    one_may_sign_all: bool = False

    @model_validator(mode="after")
    def _signers_have_roles(self) -> "Gate":
        if strangers := sorted(set(self.signers) - set(self.roles)):
            message = f"signers names {', '.join(strangers)}; the roles are {', '.join(self.roles)}"
            raise ValueError(message)
        return self


class Traffic(Section):
    """How to see whether a system still gets requests; one way a system.

    Attributes
    ----------
    original, backend
        ``log:FILE`` counts the lines of an access log, ``https://…`` reads a number from an answer, ``sql:SELECT …``
        asks the database, ``hook`` asks the hook ``traffic``. The number only grows.
    quiet_s
        For how long it must stand still before a system counts as quiet.
    limit_s
        How long to wait for that.
    """

    original: str | None = None
    backend: str | None = None
    quiet_s: float = Field(default=60.0, gt=0)
    limit_s: float = Field(default=1800.0, gt=0)


class Threshold(Section):
    """A limit on one metric of the backend; ``above`` or ``below`` is a breach."""

    metric: str
    above: float | None = None
    below: float | None = None


class Verify(Section):
    """What is watched after the switch.

    Attributes
    ----------
    close_h, loose_h
        How long close and loose watching last, in hours.
    windows
        After how many windows in a row a breach pages a person.
    thresholds
        The limits; those that name errors may roll back.
    automatic_rollback
        Whether measured errors on the backend, while the original answers, roll back without a person.
    error_metrics
        Which metrics are errors; only a breach of these rolls back.
    affected_users_sql
        SQL with one row and one number: how many users did something from ``%(start)s`` to ``%(end)s``; for the report.
    confirm_within_s
        A switch that is not confirmed so many seconds after its end goes back by itself; none: it never does.
    """

    close_h: float = Field(default=48.0, gt=0)
    loose_h: float = Field(default=168.0, gt=0)
    windows: int = Field(default=3, ge=1)
    thresholds: tuple[Threshold, ...] = ()
    automatic_rollback: bool = False
    error_metrics: tuple[str, ...] = ("error_rate",)
    affected_users_sql: str = ""
    confirm_within_s: float | None = Field(default=None, gt=0)


class WriteProbe(Section):
    """A row that the original makes and takes back in one transaction: it can write, and nothing stays.

    Attributes
    ----------
    model
        Its import path in the original.
    fields
        What the row holds; a value ``{"first": "users.models.User"}`` stands for the first row of that model.
    """

    model: str
    fields: dict[str, object] = {}


class WarmUp(Section):
    """The load that the original must carry before people are sent to it.

    Attributes
    ----------
    paths
        Addresses of the original that need no login.
    requests, at_once
        How many, and how many of them at the same time.
    p95_ms
        How slow 95 % of them may be at most.
    """

    paths: tuple[str, ...] = ("/health",)
    requests: int = Field(default=100, ge=1)
    at_once: int = Field(default=4, ge=1)
    p95_ms: float = Field(default=2000.0, gt=0)


class TaskQueries(Section):
    """Work in flight, asked of the shared database; each query has one row with one number."""

    in_flight_sql: str
    lost_sql: str


class UntouchedGate(Section):
    """A gate whose evidence an incident does not touch.

    Attributes
    ----------
    gate, because
        Its id, and why it is not touched.
    attempt
        The attempt that the incident ended; another incident needs a reason of its own.
    """

    gate: Id
    attempt: int = Field(ge=1)
    because: str = Field(min_length=1)


class Rollback(Section):
    """The way back.

    Attributes
    ----------
    allowed
        Which accounts of the operating system may decide it; empty means that none may.
    budget_s
        How long it may take from the decision to the last verification, in seconds.
    write, warm_up, tasks
        How the original is tried before people are sent to it, and what is asked of the tasks.
    untouched_gates
        Whose evidence outlives an attempt that was rolled back, because the incident does not touch it.
    """

    allowed: tuple[str, ...] = ()
    budget_s: float = Field(default=900.0, gt=0)
    write: WriteProbe | None = None
    warm_up: WarmUp = WarmUp()
    tasks: TaskQueries | None = None
    untouched_gates: tuple[UntouchedGate, ...] = ()


class Cleanup(Section):
    """The end: ``after_h`` hours after the switch at the earliest, ``decommission`` hooks in their order."""

    after_h: float = Field(default=168.0, gt=0)
    decommission: tuple[str, ...] = ()


class Load(Section):
    """The load that the backend must carry before the switch.

    Attributes
    ----------
    peak_per_s
        The peak that was measured on the original, in requests a second.
    measured
        Where and when that was measured, for the reader of the evidence.
    factor
        How many times the peak is sent.
    seconds
        For how long.
    paths
        Addresses to read, one after another; none may change anything.
    at_once
        How many requests may be under way at the same time.
    """

    peak_per_s: float = Field(gt=0)
    measured: str = Field(min_length=1)
    factor: float = Field(default=2.0, gt=0)
    seconds: float = Field(default=60.0, gt=0)
    paths: tuple[str, ...] = Field(min_length=1)
    at_once: int = Field(default=32, ge=1)


class BackupSettings(Section):
    """How a backup is made and tried.

    Attributes
    ----------
    folder
        Where backups go, relative to ``handover.toml``.
    programs
        Folder of ``pg_dump`` and ``pg_restore``; that of ``[prove] pg_bin`` when none.
    restore_url_env
        Environment variable with the URL of a server to restore on, as a role that may make databases.
    objects
        Whether the files of the backend's default storage are copied.
    folders
        Settings of the backend that name more folders to copy, such as a library.
    storages
        More storages of the backend to copy, by their names in ``STORAGES``.
    ignore
        Patterns; a file or folder whose name fits one is left out, such as one that is still being written.
    """

    folder: Path = Path(".handover/backups")
    programs: Path | None = None
    restore_url_env: str = "HANDOVER_RESTORE_URL"
    objects: bool = True
    folders: tuple[str, ...] = ()
    storages: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()


class Hooks(Section):
    """Executables at named points.

    Attributes
    ----------
    folder
        Where they lie, relative to ``handover.toml``.
    at
        Their argument vector by point; the program is relative to the folder.
    timeout_s
        How long each may take.
    """

    folder: Path = Path("hooks")
    at: dict[HookPoint, tuple[str, ...]] = {}
    timeout_s: float = Field(default=60.0, gt=0)

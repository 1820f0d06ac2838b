"""``handover.toml``: the two systems, the database they share, and the models that mirror each other."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from handover.config.cutover import BackupSettings, Cleanup, Gate, Hooks, Load, Rollback, Traffic, Verify
from handover.config.events import Events
from handover.config.evolve import EvolveSettings
from handover.config.journal import JournalSettings
from handover.config.journey import Journey, numbered
from handover.config.parallel import Shadow, Watch
from handover.config.proof import Prove
from handover.config.search import SharedSearch
from handover.config.section import Section
from handover.config.signing import Signing
from handover.config.storage import StorageSettings
from handover.config.switch import ReadOnly, SwitchSettings
from handover.config.toml_file import line_of, read_toml
from handover.errors import ConfigurationError
from handover.secret_words import remember_secret
from handover.side import Side

Name = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]


class SharedDatabase(Section):
    """Where the shared tables live.

    Attributes
    ----------
    url_env
        Environment variable with the URL of a role that may read the shared tables; to adopt, of the role that owns
        them. The URL holds a password, so only its place is written down.
    """

    url_env: str = "HANDOVER_DATABASE_URL"


class System(Section):
    """One Django project; the toolkit asks it through its own interpreter.

    Attributes
    ----------
    path
        Its folder, relative to ``handover.toml``, or on the machine where its interpreter runs.
    python
        Argument vector of its interpreter, for example ``["ssh", "vm", "/srv/app/bin/python"]``. A relative path is
        relative to ``handover.toml``.
    settings
        Its settings module.
    environment
        Variables it needs. ``${NAME}`` stands for a variable of the environment that ``handover`` runs in, so that
        no secret is written down.
    base_url, health
        Where it answers HTTP requests, and the path that says whether it is well.
    insecure_http
        Whether plain HTTP is meant: for a rehearsal on this machine, never for the real switch.
    connections
        How many database connections it may open at once: processes times threads, workers included.
    answer_within_s
        How long its interpreter may take for one answer, its start included, in seconds.
    reads_at_start
        Whether it reads its database when it starts; it may then, in sessions that cannot write.
    """

    path: Path
    python: tuple[str, ...] = Field(min_length=1)
    settings: str
    environment: dict[str, str] = {}
    base_url: str | None = Field(default=None, pattern=r"^https?://")
    health: str = Field(default="/health", pattern=r"^/")
    insecure_http: bool = False
    connections: int = Field(default=20, ge=1)
    answer_within_s: float = Field(default=120.0, gt=0)
    reads_at_start: bool = False

    def variables(self) -> dict[str, str]:
        """Return its environment with the references filled in.

        Raises
        ------
        ConfigurationError
            A variable that one of them refers to is not set.
        """
        found = {name: _filled_in(name, value) for name, value in self.environment.items()}
        for name, value in found.items():
            remember_secret(name, value)
        return found


def _filled_in(name: str, value: str) -> str:
    purpose = f"the value of {name} in handover.toml"
    return re.sub(r"\$\{(\w+)\}", lambda match: from_environment(match[1], purpose), value)


class Backend(System):
    """The system that takes over, with its database role and the schema for its own tables.

    Attributes
    ----------
    role, schema_name
        The database role that it connects as, and the schema of its own tables.
    password_env
        Environment variable with the password that a newly made role gets.
    already_true
        Migrations (``app.name``) whose effect the live rows have already: adoption only records them.
    migrate_later
        Migrations (``app.name``) that adoption leaves for ``manage.py migrate``, with those that depend on them.
    """

    model_config = ConfigDict(populate_by_name=True)

    role: Name = "backend_app"
    schema_name: Name = Field(default="backend", alias="schema")
    password_env: str = "BACKEND_DATABASE_PASSWORD"  # noqa: S105 - the variable's name
    already_true: tuple[str, ...] = ()
    migrate_later: tuple[str, ...] = ()


class ModelPair(Section):
    """One row of the strategy's "Models Mapped".

    Attributes
    ----------
    original, backend
        Import paths of the two models.
    table
        The table that both write.
    new_fields
        Nullable columns that the backend may add.
    """

    original: str
    backend: str
    table: str
    new_fields: tuple[str, ...] = ()


class SharedIndex(Section):
    """The search index of both systems; ``setting`` is the Django setting that holds its name."""

    name: str
    setting: str
    url_env: str | None = None


class SharedBucket(Section):
    """The bucket in which both systems keep their files."""

    name: str
    prefix: str = ""


class Dns(Section):
    """The DNS record that decides which system people reach.

    Attributes
    ----------
    zone, record, type
        Zone, name and type of the record; ``record`` is relative to the zone, empty for the zone itself.
    ttl_s
        The TTL around the switch, in seconds.
    former_ttl_s
        The TTL before it was lowered by hand. If ``cutover begin`` lowers it, the journal has it.
    original, backend
        The values of the record while people reach the original, or the backend.
    octodns_config
        The configuration of octoDNS, with the zone's provider.
    authoritative
        The name servers of the zone, ``address`` or ``address:port``; if empty, the resolvers name them.
    resolvers
        Resolvers that must show the change as well, in the same form.
    rehearsal_record
        A second record of the zone, on which a rollback is rehearsed.
    harmless
        Patterns of other records of the zone whose changes are not worth telling: ``NAME`` or ``NAME TYPE``.
    timeout_s, verify_s
        Limit for one call of the provider, and for the time until all name servers give the same answer.
    """

    zone: str
    record: str
    type: Literal["A", "AAAA", "CNAME"] = "A"
    ttl_s: int = Field(default=60, ge=1)
    former_ttl_s: int | None = Field(default=None, ge=1)
    original: tuple[str, ...] = ()
    backend: tuple[str, ...] = ()
    octodns_config: Path | None = None
    authoritative: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    rehearsal_record: str | None = None
    harmless: tuple[str, ...] = ()
    timeout_s: float = Field(default=60.0, gt=0)
    verify_s: float = Field(default=60.0, gt=0)

    @property
    def name(self) -> str:
        """The full name of the record."""
        return f"{self.record}.{self.zone}" if self.record else self.zone


class Config(Section):
    """All of ``handover.toml``; ``root`` is the folder it lies in.

    Attributes
    ----------
    contract
        File of the accepted findings, relative to ``handover.toml``.
    """

    root: Path
    contract: Path = Path("handover/contract.json")
    database: SharedDatabase = SharedDatabase()
    original: System | None = None
    backend: Backend
    models: tuple[ModelPair, ...] = Field(min_length=1)
    index: SharedIndex | None = None
    bucket: SharedBucket | None = None
    dns: Dns | None = None
    switch: SwitchSettings = SwitchSettings()
    read_only: ReadOnly | None = None
    flows: tuple[Journey, ...] = ()
    journal: JournalSettings = JournalSettings()
    gates: tuple[Gate, ...] = ()
    signing: Signing = Signing()
    traffic: Traffic = Traffic()
    verify: Verify = Verify()
    rollback: Rollback = Rollback()
    cleanup: Cleanup = Cleanup()
    backup: BackupSettings = BackupSettings()
    load: Load | None = None
    hooks: Hooks = Hooks()
    events: Events = Events()
    watch: Watch = Watch()
    shadow: Shadow = Shadow()
    prove: Prove = Prove()
    search: SharedSearch | None = None
    storage: StorageSettings | None = None
    evolve: EvolveSettings = EvolveSettings()

    def new_columns(self) -> frozenset[tuple[str, str]]:
        """Return the (table, column) pairs that the backend may add to shared tables."""
        return frozenset((pair.table, field) for pair in self.models for field in pair.new_fields)

    def system(self, side: Side) -> System:
        """Return one of the two systems.

        Raises
        ------
        ConfigurationError
            The file does not say how to reach it.
        """
        if side is Side.BACKEND:
            return self.backend
        if self.original is None:
            message = "handover.toml has no [original]; comparing two systems needs its path, python and settings."
            raise ConfigurationError(f"{message} Add them, or let `handover init` write the file.")
        return self.original


def load_config(path: Path) -> Config:
    """Read and validate ``handover.toml``.

    Raises
    ------
    ConfigurationError
        The file is missing, is not TOML, or a value is wrong; the message names the line.
    """
    missing = f"{path} does not exist. Run from the folder that holds handover.toml, or name it: --config FILE"
    folder = {"root": path.parent.resolve()}
    return read_toml(path, Config, lambda values, text: {**folder, **numbered(values, text, line_of)}, missing=missing)


def database_url(config: Config) -> str:
    """Return the URL of the shared database.

    Raises
    ------
    ConfigurationError
        It is not set, or is not the URL of a database; the value never appears in a message.
    """
    # Only here: the systems are started before the driver is loaded, see `handover.cli.check`.
    from psycopg import ProgrammingError  # noqa: PLC0415
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    variable = config.database.url_env
    url = from_environment(
        variable, "the URL of the shared database, as a role that may read it; to change it, as the owner of the tables"
    )
    try:
        named = conninfo_to_dict(url).get("dbname")
    except ProgrammingError:
        named = None
    if not named:
        form = "postgresql://ROLE:PASSWORD@HOST:PORT/DATABASE"
        raise ConfigurationError(
            f"{variable} holds no database URL; it must look like {form}. Correct it and run again."
        )
    return url


def from_environment(variable: str, purpose: str) -> str:
    """Return an environment variable that must be set; its value never appears in a message.

    Raises
    ------
    ConfigurationError
        The variable is unset or empty.
    """
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigurationError(
            f"the environment variable {variable} is not set; it holds {purpose}. Set it and run again."
        )
    remember_secret(variable, value)
    return value

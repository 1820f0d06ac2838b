"""``handover.toml``: the two systems, the database they share, and the models that mirror each other."""

import os
import tomllib
from pathlib import Path

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handover.errors import ConfigurationError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(_Section):
    """Where the shared tables live.

    Attributes
    ----------
    url_env
        Environment variable with the URL of the role that owns the shared tables. The URL holds a password,
        so only its place is written down.
    """

    url_env: str = "HANDOVER_DATABASE_URL"


class System(_Section):
    """One Django project, spoken to through its own interpreter.

    Attributes
    ----------
    path
        Its folder, relative to ``handover.toml``; the interpreter starts there.
    python
        Argument vector of its interpreter. A relative path is relative to ``handover.toml``.
    settings
        Its settings module.
    """

    path: Path
    python: tuple[str, ...] = Field(min_length=1)
    settings: str


class Backend(System):
    """The system that takes over, with the role and the schema that hold what it adds.

    Attributes
    ----------
    role, schema_name
        The database role it connects as, and the schema its own tables go to.
    password_env
        Environment variable with the password that a newly made role gets.
    """

    role: str = Field(default="backend_app", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    schema_name: str = Field(default="backend", alias="schema", pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    password_env: str = "BACKEND_DATABASE_PASSWORD"  # noqa: S105 - the variable's name


class ModelPair(_Section):
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


class Config(_Section):
    """All of ``handover.toml``; ``root`` is the folder it lies in."""

    root: Path
    database: Database = Database()
    backend: Backend
    models: tuple[ModelPair, ...] = Field(min_length=1)

    def new_columns(self) -> frozenset[tuple[str, str]]:
        """Return the (table, column) pairs that the backend may add to shared tables."""
        return frozenset((pair.table, field) for pair in self.models for field in pair.new_fields)


def load(path: Path) -> Config:
    """Read and validate ``handover.toml``.

    Raises
    ------
    ConfigurationError
        The file is missing, is no TOML, or a value is not what is expected.
    """
    try:
        values = tomllib.loads(path.read_text())
        return Config.model_validate({"root": path.parent.resolve(), **values})
    except FileNotFoundError as error:
        message = f"{path} does not exist. Run from the folder that holds handover.toml, or name it: --config FILE"
        raise ConfigurationError(message) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}. Correct that line.") from error
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        message = "\n".join([f"{path} has {len(lines)} values that are not as expected:", *lines])
        raise ConfigurationError(message) from error


def database_url(config: Config) -> str:
    """Return the URL of the shared database, as the owner of its tables.

    Raises
    ------
    ConfigurationError
        It is not set, or no URL of a database; what it holds never appears in a message.
    """
    variable = config.database.url_env
    url = from_environment(variable, "the database URL of the role that owns the shared tables")
    try:
        named = conninfo_to_dict(url).get("dbname")
    except ProgrammingError:
        named = None
    if not named:
        form = "postgresql://OWNER:PASSWORD@HOST:PORT/DATABASE"
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
    return value

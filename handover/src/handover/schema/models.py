"""What a system's models expect of the database, as its probe tells."""

from pydantic import BaseModel, ConfigDict


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class Field(_Facts):
    """One concrete field; ``type`` is the database's, ``references`` the (table, column) it points at."""

    column: str
    type: str
    null: bool
    primary_key: bool
    unique: bool
    indexed: bool
    references: tuple[str, str] | None


class Model(_Facts):
    """One model; ``made_for`` names the model that a many-to-many table of Django's making belongs to."""

    label: str
    app_label: str
    model_name: str
    table: str
    made_for: str | None
    proxy: bool
    fields: tuple[Field, ...]
    unique: tuple[tuple[str, ...], ...]
    indexes: tuple[tuple[str, ...], ...]
    permissions: tuple[tuple[str, str], ...]


class Operation(_Facts):
    """One operation of a migration; ``sql`` is false for those that only Python can run."""

    kind: str
    table: str | None
    column: str | None
    null: bool | None
    sql: bool


class Migration(_Facts):
    """One migration on disk, in the order Django would apply them."""

    app: str
    name: str
    module: str
    operations: tuple[Operation, ...]

    @property
    def key(self) -> tuple[str, str]:
        """App label and name."""
        return (self.app, self.name)


class Description(_Facts):
    """The answer to ``describe``."""

    models: tuple[Model, ...]
    migrations: tuple[Migration, ...]

    def concrete(self) -> tuple[Model, ...]:
        """Return the models that have a table of their own."""
        return tuple(model for model in self.models if not model.proxy)

"""What a system says of itself: its settings, its models and its migrations, as its probe sends them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from handover.errors import ProbeError


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True)


class Given(_Fact):
    """A default or an ``upload_to``: nothing, a value, or a callable with the digest of its source."""

    kind: Literal["none", "value", "callable"] = "none"
    value: str = ""
    source: str | None = None

    def same_as(self, other: "Given") -> bool:
        """Say whether two are the same; callables of two modules are, if their source is."""
        if self.kind == other.kind == "callable" and self.source is not None:
            return self.source == other.source
        # A text field without a default is empty as well.
        return self.stored() == other.stored()

    def stored(self) -> tuple[str, str]:
        """Return what ends up in the column."""
        return ("none", "") if self.value == "str:" else (self.kind, self.value)

    def __str__(self) -> str:
        if self.kind == "none":
            return "nothing"
        kind, _, value = self.value.partition(":")
        return self.value if self.kind == "callable" else (repr(value) if kind == "str" else value)


class FieldStorage(_Fact):
    """Where a file field keeps its files; ``local`` when that is a folder."""

    class_name: str
    default: bool
    local: bool
    parameters: dict[str, str]

    def place(self) -> tuple[str, ...]:
        """Return what decides where a name is found: the folder, or the bucket and the prefix."""
        if self.local:
            return ("folder", self.parameters.get("location", "").rstrip("/"))
        names = ("bucket_name", "location", "endpoint_url")
        return (self.class_name, *(self.parameters.get(name, "") for name in names))


class Relation(_Fact):
    """The target of a foreign key, and its reverse names; ``name`` is Django's name for the constraint."""

    to: str
    to_table: str
    on_delete: str | None
    accessor: str | None
    query_name: str
    constraint: bool
    parent_link: bool
    limit: Given = Given()
    sets: Given = Given()
    name: str | None = None


class Field(_Fact):
    """One concrete field.

    ``type`` is the database's, ``references`` the (table, column) it points at; ``converts`` is code of the project's
    own that stands between a value and its column; ``items`` the choices of an array's items; ``database_sql`` what
    the database is to fill in, by a default or a generated value; ``options`` whatever else its class was given.
    """

    name: str
    column: str
    type: str
    kind: str
    null: bool
    blank: bool
    primary_key: bool
    unique: bool
    indexed: bool
    references: tuple[str, str] | None
    relation: Relation | None
    default: Given
    db_default: str | None
    choices: tuple[tuple[str, str], ...] | str
    max_length: int | None
    collation: str | None
    validators: tuple[str, ...]
    auto_now: bool
    auto_now_add: bool
    upload_to: Given | None
    storage: FieldStorage | None
    generated: bool
    converts: tuple[Given, ...] = ()
    items: tuple[tuple[str, str], ...] | str = ()
    database_sql: str | None = None
    class_name: str = ""
    options: dict[str, str] = {}

    def values(self) -> tuple[str, ...]:
        """Return the values it may choose from, as text; empty when it is free."""
        return _values(self.choices)

    def item_values(self) -> tuple[str, ...]:
        """Return the values that the items of an array may be chosen from, as text; empty when they are free."""
        return _values(self.items)

    def depth(self) -> int:
        """Return how many dimensions an array has; the catalog does not have that number."""
        return self.type.count("[")

    def choices_by_code(self) -> bool:
        """Say whether a function of the project makes the choices, so that its code tells whether two are equal."""
        return by_code(self.choices)


def _values(choices: tuple[tuple[str, str], ...] | str) -> tuple[str, ...]:
    if isinstance(choices, str):
        return ()
    return tuple(value.partition(":")[2] for value, _ in choices if not value.startswith("NoneType:"))


def by_code(choices: tuple[tuple[str, str], ...] | str) -> bool:
    """Say whether a function of the project makes the choices, so that its code tells whether two are equal."""
    return isinstance(choices, str) and "#" in choices.partition(":")[0]


class ManyToMany(_Fact):
    """One many-to-many field.

    ``own_table`` when Django makes its table; ``columns`` those of its table that point here and there.
    """

    name: str
    table: str
    own_table: bool
    to_table: str
    accessor: str | None
    query_name: str
    columns: tuple[str, ...] = ()
    symmetrical: bool = False
    limit: Given = Given()


class Generic(_Fact):
    """A relation by content type: a GenericRelation to a ``table``, or a GenericForeignKey (no table)."""

    table: str
    columns: tuple[str, ...]
    concrete: bool


class ModelIndex(_Fact):
    """One index of ``Meta``; ``special`` when columns alone do not describe it, ``sql`` the statement that makes it."""

    name: str | None
    columns: tuple[str, ...]
    method: str
    special: bool
    include: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    descending: tuple[bool, ...] = ()
    sql: str | None = None


class ModelConstraint(_Fact):
    """One constraint of ``Meta``; ``special`` and ``sql`` as for an index, ``deferrable`` "deferred" or "immediate"."""

    name: str
    kind: str
    columns: tuple[str, ...]
    special: bool
    deferrable: str | None = None
    include: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    nulls_distinct: bool | None = None
    sql: str | None = None


class Routed(_Fact):
    """Which databases the routers name for a model's rows, by alias; ``said`` when they raised instead."""

    write: str = "default"
    read: str = "default"
    said: str | None = None


class Model(_Fact):
    """One model.

    ``made_for`` names the model that a many-to-many table of Django's making belongs to; ``rows`` is what its default
    and its base manager take their rows from, in SQL, None where Django cannot say; ``writes`` its own code that
    saves or deletes, ``checks`` what validates it, ``signals`` who listens to it.
    """

    label: str
    path: str
    app_label: str
    model_name: str
    table: str
    made_for: str | None
    proxy: bool
    managed: bool
    parents: tuple[str, ...]
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    many_to_many: tuple[ManyToMany, ...]
    unique: tuple[tuple[str, ...], ...]
    indexes: tuple[ModelIndex, ...]
    constraints: tuple[ModelConstraint, ...]
    ordering: tuple[str, ...]
    latest_by: tuple[str, ...] = ()
    generic: tuple[Generic, ...] = ()
    checks: tuple[Given, ...] = ()
    rows: tuple[str | None, str | None] = (None, None)
    writes: tuple[Given, ...] = ()
    library: tuple[tuple[str, str], ...] = ()
    signals: tuple[Given, ...] = ()
    routed: Routed = Routed()
    permissions: tuple[tuple[str, str], ...]

    def by_column(self) -> dict[str, Field]:
        """Return its fields by the name of their column."""
        return {field.column: field for field in self.fields}


class MigrationOperation(_Fact):
    """One operation of a migration.

    ``sql`` is false for those that only Python can run; ``needs`` is the table, and the column, that must be there,
    ``becomes`` what that table is called afterwards; ``tables`` are all that its model ever had, ``final`` the last,
    None when the model is gone in the end; ``nothing`` when no database sees it, ``text`` its own SQL.
    """

    kind: str
    table: str | None
    column: str | None
    null: bool | None
    sql: bool
    needs: tuple[str, ...] = ()
    becomes: str | None = None
    name: str = ""
    tables: tuple[str, ...] = ()
    final: str | None = None
    nothing: bool = False
    text: str = ""


class Migration(_Fact):
    """One migration on disk, in the order Django would apply them.

    ``by_hand`` names the indexes, constraints, triggers and collations that its own SQL is about.
    """

    app: str
    name: str
    module: str
    operations: tuple[MigrationOperation, ...]
    parents: tuple[tuple[str, str], ...] = ()
    replaces: tuple[tuple[str, str], ...] = ()
    by_hand: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """App label and name."""
        return (self.app, self.name)

    @property
    def file(self) -> str:
        """Its file, relative to the folder that its package is imported from."""
        return f"{self.module.replace('.', '/')}.py"


class Hasher(_Fact):
    """One password hasher."""

    algorithm: str
    class_name: str
    parameters: dict[str, str]


class DatabaseSettings(_Fact):
    """Where the system says its database is; never with a password."""

    vendor: str
    name: str
    host: str
    port: str
    role: str
    options: dict[str, str]
    conn_max_age: float | None
    atomic_requests: bool
    time_zone: str | None

    @property
    def acts_as(self) -> str:
        """The role whose rights it has after connecting as ``role``."""
        return self.options.get("assume_role", self.role)


# Other names of the machine that one is on.
HERE = ("", "localhost", "127.0.0.1", "::1", "/tmp", "/var/run/postgresql", "/run/postgresql")  # noqa: S108 - no file


def address(host: str, port: str) -> str:
    """Return where a server is, the same for every name of this machine."""
    return f"{'this machine' if host in HERE else host.lower()}, port {port or 5432}"


class DatabasePlace(_Fact):
    """Where one of the DATABASES is, and what its connections begin with."""

    name: str
    host: str = ""
    port: str = ""
    options: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal for two names of the same database."""
        return (self.name, address(self.host, self.port), self.options)

    def __str__(self) -> str:
        return f"{self.name} on {address(self.host, self.port)}"


class Settings(_Fact):
    """The settings that two systems on one database must agree on; secrets by keyed hash."""

    installed: tuple[str, ...]
    auth_user_model: str
    user_table: str | None
    hashers: tuple[Hasher, ...]
    backends: tuple[str, ...]
    session_engine: str
    session_serializer: str
    session_cookie: tuple[str, ...]
    session_age: int
    session_store: tuple[str, ...] = ()
    csrf: tuple[str, ...]
    csrf_origins: tuple[str, ...] = ()
    proxy_header: str = "None"
    hosts: tuple[str, ...] = ()
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]
    login_fields: tuple[str, ...]
    time_zone: str | None
    use_tz: bool
    default_auto_field: str
    password_validators: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    media_root: str
    storage: FieldStorage
    database: DatabaseSettings
    routers: tuple[str, ...] = ()
    databases: dict[str, DatabasePlace] = {}
    listeners: tuple[Given, ...] = ()
    named: dict[str, str]
    others: dict[str, str] = {}
    cache_tables: tuple[str, ...] = ()
    login_code: dict[str, tuple[Given, ...]] = {}


class Description(_Fact):
    """The answer to ``describe``."""

    versions: dict[str, str]
    settings: Settings
    models: tuple[Model, ...]
    migrations: tuple[Migration, ...]

    @classmethod
    def of(cls, name: str, answer: Any) -> "Description":
        """Return what a system answered to ``describe``.

        Raises
        ------
        ProbeError
            A fact has the wrong type; the message names the model and the fact.
        """
        try:
            return cls.model_validate(answer)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = _place(answer, first["loc"])
            message = (
                f"{name} describes {where} as {first['input']!r:.80}, which `handover` cannot read: {first['msg']}."
            )
            todo = "Write the option in the project's code as Django documents it, and tell the makers of `handover`."
            raise ProbeError(f"{message} {todo}") from error

    def concrete(self) -> tuple[Model, ...]:
        """Return the models that have a table of their own."""
        return tuple(model for model in self.models if not model.proxy)

    def here(self) -> tuple[Model, ...]:
        """Return the models whose rows are written to the default database."""
        return tuple(model for model in self.concrete() if not self.is_away(model.routed.write))

    def away(self) -> tuple[Model, ...]:
        """Return the models whose rows are written to another database."""
        return tuple(model for model in self.concrete() if self.is_away(model.routed.write))

    def is_away(self, alias: str) -> bool:
        """Say whether an alias leads to another database than the default one does."""
        places = self.settings.databases
        default = places.get("default")
        return alias != "default" and (default is None or alias not in places or places[alias].key != default.key)


def _place(answer: Any, path: tuple[int | str, ...]) -> str:
    """Return the words for a place in an answer: names instead of numbers."""
    words: list[str] = []
    for step in path:
        if isinstance(answer, dict):
            answer = answer.get(step)
        elif isinstance(answer, list) and isinstance(step, int) and step < len(answer):
            answer = answer[step]
        named = answer.get("label") or answer.get("name") if isinstance(answer, dict) else None
        words.append(str(named or step))
    return ".".join(word for word in words if word not in ("models", "fields"))

"""The input of the rules: the descriptions of both systems, and the live database."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from handover.config.config import Config, ModelPair
from handover.schema.catalog import Catalog, Key, Table, name_parts
from handover.schema.expressions import Expressions
from handover.schema.models import Description, Field, Migration, Model
from handover.side import Side

Applied = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Rows:
    """The few rows that are part of the schema.

    Attributes
    ----------
    applied
        History table → (app, name) pairs.
    content_types, permissions
        (app label, model) pairs, and with the codename; None when there is no such table.
    granted
        (app label, model, codename) → how many rows, of any table, point at that permission.
    """

    applied: dict[Key, Applied] = field(default_factory=dict)
    content_types: frozenset[tuple[str, str]] | None = None
    permissions: frozenset[tuple[str, str, str]] | None = None
    granted: dict[tuple[str, str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapped:
    """A model and the live table it reads and writes."""

    system: "DescribedSystem"
    model: Model
    table: Table

    def fields(self) -> Iterator[tuple[Field, str]]:
        """Yield each field whose column is live, with its place."""
        return ((f, f"{self.table}.{f.column}") for f in self.model.fields if f.column in self.table.columns)


@dataclass(frozen=True)
class Pair:
    """The two models that share a table."""

    original: Model
    backend: Model
    table: Table

    def fields(self) -> Iterator[tuple[Field, Field, str]]:
        """Yield the two fields of each column that both know, with its place."""
        others = self.backend.by_column()
        for one in self.original.fields:
            if one.column in others:
                yield one, others[one.column], f"{self.table}.{one.column}"

    @property
    def automatic(self) -> bool:
        """Whether Django made both, as the table of a many-to-many field."""
        return self.original.made_for is not None and self.backend.made_for is not None


@dataclass(frozen=True)
class DescribedSystem:
    """One system: what it says of itself, and how it finds its tables."""

    side: Side
    description: Description
    search_path: tuple[str, ...]

    @property
    def other(self) -> Side:
        """The other system."""
        return self.side.other

    @property
    def role(self) -> str:
        """The database role it connects as."""
        return self.description.settings.database.role

    @property
    def acts_as(self) -> str:
        """The database role whose rights it has after connecting."""
        return self.description.settings.database.acts_as

    @cached_property
    def by_hand(self) -> frozenset[str]:
        """The names of objects that its migrations make in SQL; no model declares them."""
        return frozenset(name for migration in self.description.migrations for name in migration.by_hand)

    def migrations(self) -> dict[tuple[str, str], Migration]:
        """Return its migrations by app and name."""
        return {migration.key: migration for migration in self.description.migrations}


@dataclass
class Subject:
    """The input of one check.

    Attributes
    ----------
    config
        The pair as ``handover.toml`` names it.
    catalog, rows
        The live database.
    systems
        The systems that could describe themselves.
    adopting
        The backend is being adopted, so its additions are not there yet.
    expressions
        (table, SQL) → the same expression as PostgreSQL prints it.
    """

    config: Config
    catalog: Catalog
    systems: tuple[DescribedSystem, ...]
    rows: Rows = field(default_factory=Rows)
    adopting: bool = False
    expressions: Expressions = field(default_factory=dict)

    @cached_property
    def mapped(self) -> tuple[Mapped, ...]:
        """The models that have a live table; of several models of a system on one table, the managed one."""
        found: list[Mapped] = []
        for system in self.systems:
            by_table: dict[Key, Mapped] = {}
            for mapped in self.present:
                known = by_table.get(mapped.table.key)
                if mapped.system is system and (known is None or self._preferred(mapped.model, known.model)):
                    by_table[mapped.table.key] = mapped
            found += by_table.values()
        return tuple(found)

    @cached_property
    def present(self) -> tuple[Mapped, ...]:
        """The models that have a live table; several may have the same table."""
        found = ((system, m, self.table_of(system, m)) for system in self.systems for m in system.description.here())
        return tuple(Mapped(system, model, table) for system, model, table in found if table)

    @cached_property
    def absent(self) -> tuple[tuple[DescribedSystem, Model], ...]:
        """The models, managed by Django or not, that lack their table in this database."""
        return tuple(
            (system, m) for system in self.systems for m in system.description.here() if not self.table_of(system, m)
        )

    def table_of(self, system: DescribedSystem, model: Model) -> Table | None:
        """Return the live table that a model reads and writes."""
        return self.catalog.find(system.search_path, model.table)

    def declares(self, model: Model) -> bool:
        """Say whether ``handover.toml`` names a model or its table."""
        parts = name_parts(model.table)
        return any(model.path in (p.original, p.backend) or name_parts(p.table) == parts for p in self.config.models)

    def _preferred(self, model: Model, known: Model) -> bool:
        named = {path for pair in self.config.models for path in (pair.original, pair.backend)}
        return (model.path in named, model.managed) > (known.path in named, known.managed)

    @cached_property
    def known(self) -> dict[Side, dict[Key, Model]]:
        """Side → live table → model."""
        result: dict[Side, dict[Key, Model]] = {system.side: {} for system in self.systems}
        for mapped in self.mapped:
            result[mapped.system.side][mapped.table.key] = mapped.model
        return result

    @cached_property
    def shared(self) -> frozenset[Key]:
        """The live tables that both systems use; in an adoption, those in ``public`` that the backend knows."""
        if self.adopting:
            return frozenset(key for key in self.known[Side.BACKEND] if key[0] == "public")
        if len(self.known) < len(("original", "backend")):
            return frozenset()
        return frozenset(self.known[Side.ORIGINAL].keys() & self.known[Side.BACKEND].keys())

    @property
    def shared_tables(self) -> Iterator[Table]:
        """The shared tables, sorted by name."""
        return (self.catalog.tables[key] for key in sorted(self.shared))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The two models of each shared table."""
        if self.adopting:
            return ()
        tables = (self.catalog.tables[key] for key in sorted(self.shared))
        return tuple(Pair(self.known[Side.ORIGINAL][t.key], self.known[Side.BACKEND][t.key], t) for t in tables)

    @cached_property
    def looked_at(self) -> tuple[Mapped, ...]:
        """The models whose tables are compared: those on shared tables, and managed ones on a system's own tables."""
        if self.adopting:
            return tuple(m for m in self.mapped if m.table.key in self.shared)
        return tuple(m for m in self.mapped if m.table.key in self.shared or m.model.managed)

    @cached_property
    def used(self) -> tuple[Mapped, ...]:
        """The models whose columns must exist: all that have a table."""
        return self.looked_at if self.adopting else self.present

    @cached_property
    def on_shared(self) -> tuple[Mapped, ...]:
        """The models on shared tables."""
        return tuple(m for m in self.mapped if m.table.key in self.shared)

    @property
    def adopted(self) -> bool:
        """Whether the backend's schema exists, or the backend does not use one.

        The search path of a role that does not exist yet is not known.
        """
        schema = self.config.backend.schema_name
        if self.adopting or schema in self.catalog.schemas:
            return not self.adopting
        backends = [system for system in self.systems if system.side == "backend"]
        return not any(schema in b.search_path or (b.role and b.role not in self.catalog.roles) for b in backends)

    def system(self, side: Side) -> DescribedSystem | None:
        """Return a system if it could be asked."""
        return next((system for system in self.systems if system.side == side), None)

    @cached_property
    def both(self) -> tuple[DescribedSystem, DescribedSystem] | None:
        """The original and the backend, if both could be asked."""
        original, backend = self.system(Side.ORIGINAL), self.system(Side.BACKEND)
        return (original, backend) if original and backend else None

    def is_new(self, table: Table, field: Field) -> bool:
        """Say whether ``handover.toml`` allows the backend to add this field's column, by either name."""
        declared = self.declared(table)
        return declared is not None and bool({field.column, field.name} & set(declared.new_fields))

    def history(self, system: DescribedSystem) -> Table | None:
        """Return the table that a system's Django writes its history to."""
        return self.catalog.find(system.search_path, "django_migrations")

    def place_of(self, declared: ModelPair) -> Table | None:
        """Return the live table of an entry of ``handover.toml``."""
        path = next((system.search_path for system in self.systems), ("public",))
        dotted = {str(table): table for table in self.catalog.tables.values()}
        return self.catalog.find(path, declared.table) or dotted.get(declared.table)

    @cached_property
    def _declared(self) -> dict[Key, ModelPair]:
        places = ((self.place_of(pair), pair) for pair in reversed(self.config.models))
        return {table.key: pair for table, pair in places if table}

    def declared(self, table: Table) -> ModelPair | None:
        """Return the entry of ``handover.toml`` for a live table."""
        return self._declared.get(table.key)


def search_path_of(description: Description, catalog: Catalog) -> tuple[str, ...]:
    """Return a system's search path: from its own options, its role, its database, or the default."""
    database = description.settings.database
    path = session_settings(description, catalog).get("search_path", '"$user", public')
    return _schemas(path, database.acts_as)


def own_search_path(description: Description) -> tuple[str, ...] | None:
    """Return the search path that a system's own options set, which beats every other setting; None: they set none."""
    database = description.settings.database
    path = dict(_own_options(description)).get("search_path")
    return None if path is None else _schemas(path, database.acts_as)


def _schemas(path: str, user: str) -> tuple[str, ...]:
    names = [name.strip().strip('"') for name in path.split(",")]
    return tuple(user if name == "$user" else name for name in names)


# The form of a command line; a list may have (escaped) blanks after its commas.
OPTION = re.compile(r"(?:-c\s*|--)([\w.]+)\s*=\s*((?:\"[^\"]*\"|[^\s,]+)(?:\s*,\s*(?:\"[^\"]*\"|[^\s,]+))*)")


def session_settings(description: Description, catalog: Catalog) -> dict[str, str]:
    """Return the settings of a system's sessions, by lower-case name: from its database, its role and its options."""
    database = description.settings.database
    role = catalog.roles.get(database.role)
    texts = [*catalog.server["settings"], *(role.settings if role else ())]
    pairs = [*(text.partition("=")[::2] for text in texts), *_own_options(description)]
    return {name.lower(): value for name, value in pairs}


def _own_options(description: Description) -> list[tuple[str, str]]:
    """Return the settings that a system's connections ask for, by lower-case name."""
    text = description.settings.database.options.get("options", "").replace("\\ ", " ")
    return [(name.lower(), value) for name, value in OPTION.findall(text)]

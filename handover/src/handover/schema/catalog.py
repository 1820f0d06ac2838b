"""The live database as it is: columns, keys and indexes of the shared schema ``public``."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from psycopg import Connection


@dataclass(frozen=True)
class Column:
    """One live column; ``supplied`` when the database fills it in by default or identity."""

    type: str
    null: bool
    supplied: bool


@dataclass(frozen=True)
class ForeignKey:
    """One live foreign key into ``public``; ``deletes_in_database`` when it has an ON DELETE action."""

    schema: str
    table: str
    column: str
    target_table: str
    target_column: str
    deletes_in_database: bool


@dataclass(frozen=True)
class Catalog:
    """Everything that the contract is compared with.

    Attributes
    ----------
    columns
        Table → column → facts.
    indexes, uniques
        Table → the column lists of its valid, whole-table indexes; the unique ones (primary key included) again.
    primary_keys
        Table → columns of its primary key.
    foreign_keys
        All that point into ``public``.
    """

    columns: dict[str, dict[str, Column]]
    indexes: dict[str, set[tuple[str, ...]]]
    uniques: dict[str, set[tuple[str, ...]]]
    primary_keys: dict[str, tuple[str, ...]]
    foreign_keys: tuple[ForeignKey, ...]


def query(name: str) -> bytes:
    """Return the text of one of the package's queries, for example ``columns``."""
    return files("handover.schema").joinpath(f"{name}.sql").read_bytes()


def read(connection: Connection[Any]) -> Catalog:
    """Read the catalog of schema ``public``; takes no lock on any table."""
    columns: dict[str, dict[str, Column]] = {}
    indexes: dict[str, set[tuple[str, ...]]] = {}
    uniques: dict[str, set[tuple[str, ...]]] = {}
    primary_keys: dict[str, tuple[str, ...]] = {}
    for table, column, *facts in connection.execute(query("columns")):
        columns.setdefault(table, {})[column] = Column(*facts)
    for table, unique, primary, names in connection.execute(query("indexes")):
        key = tuple(names)
        indexes.setdefault(table, set()).add(key)
        if unique:
            uniques.setdefault(table, set()).add(key)
        if primary:
            primary_keys[table] = key
    keys = tuple(ForeignKey(*facts) for facts in connection.execute(query("foreign_keys")))
    return Catalog(columns, indexes, uniques, primary_keys, keys)

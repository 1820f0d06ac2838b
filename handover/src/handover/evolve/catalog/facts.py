"""Facts about one table that an evolution changes, read from the catalog."""

import re
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from handover.errors import Refused
from handover.evolve.catalog.owned_sequence import OwnedSequence, read_sequence
from handover.schema.evolved import SYNC_FUNCTION_PREFIX
from handover.wording import identifier

# A default as PostgreSQL prints it that is the same value for ever.
_CONSTANT = re.compile(r"(?:'(?:[^']|'')*'|\(?-?[0-9.]+\)?|true|false|NULL)(?:::[\w .,()\"\[\]]+)?", re.IGNORECASE)
Right = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """One column: ``base_type`` is its type without a length, ``built_in`` whether that is one of PostgreSQL's own.

    ``rights`` are those on the column alone: (role, privilege, 'grantable' or ''). ``statistics`` and ``options`` are
    what ANALYZE is told about it: how much to gather, and ``n_distinct``.
    """

    name: str
    number: int
    type: str
    base_type: str
    built_in: bool
    not_null: bool
    not_null_name: str | None
    default: str | None
    identity: str
    generated: str
    collation: str | None
    comment: str | None
    statistics: int | None
    options: tuple[str, ...]
    sequence: OwnedSequence | None
    rights: tuple[Right, ...]

    @property
    def constant_default(self) -> bool:
        """Whether its default is the same value for ever."""
        return self.default is not None and _CONSTANT.fullmatch(self.default) is not None


@dataclass(frozen=True, kw_only=True)
class IndexFacts:
    """One index: ``keys`` are its plain key columns in order, ``columns`` all that it reads, also in expressions."""

    name: str
    unique: bool
    primary: bool
    valid: bool
    replica_identity: bool
    has_expressions: bool
    partial: bool
    definition: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    plain_columns: tuple[str, ...]
    constraint: str | None
    constraint_kind: str | None
    deferrable: bool
    deferred: bool
    tablespace: str | None
    comment: str | None
    constraint_comment: str | None
    default_classes: bool


@dataclass(frozen=True, kw_only=True)
class CheckFacts:
    """One check or exclusion constraint; ``kind`` is 'c' or 'x'."""

    name: str
    kind: str
    validated: bool
    definition: str
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ForeignKeyFacts:
    """One foreign key, from the table or to it."""

    name: str
    child_schema: str
    child: str
    parent_schema: str
    parent: str
    on_delete: str
    on_update: str
    match: str
    deferrable: bool
    deferred: bool
    validated: bool
    sets_some: bool
    comment: str | None
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]

    @property
    def child_key(self) -> str:
        """``schema.name`` of the table that has it."""
        return f"{self.child_schema}.{self.child}"

    @property
    def parent_key(self) -> str:
        """``schema.name`` of the table that it points at."""
        return f"{self.parent_schema}.{self.parent}"


@dataclass(frozen=True, kw_only=True)
class TriggerFacts:
    """One trigger of the table; ``on_every_update`` when it fires whatever column is written."""

    name: str
    for_each_row: bool
    before: bool
    on_every_update: bool
    enabled: bool
    function: str
    source: str


@dataclass(frozen=True, kw_only=True)
class ColumnDependent:
    """Something that depends on one column: a view, a policy, a trigger, statistics."""

    column: str
    what: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class TableFacts:
    """One table; ``rights`` are those of other roles than its owner: (role, privilege, 'grantable' or '').

    Attributes
    ----------
    kind, persistence, is_partition, inherits, replica_identity, rewritten, subscribed
        As the catalog has them; ``rewritten`` when it has rules, ``subscribed`` when another server sends its rows.
    rows_hidden
        Whether policies decide which of its rows this session sees.
    owner, is_owner, owner_creates
        The role that owns it; whether this session has its rights and may act as it; whether it may use the table's
        schema and create in it.
    reader, reader_uses, grant_owner
        The role of this session; whether it may use the table's schema; the statement that gives it the owner's rights.
    publications
        The publications that send its rows.
    """

    schema: str
    name: str
    oid: int
    kind: str
    persistence: str
    is_partition: bool
    inherits: bool
    replica_identity: str
    owner: str
    rewritten: bool
    subscribed: bool
    rows_hidden: bool
    owner_creates: bool
    is_owner: bool
    reader: str
    reader_uses: bool
    grant_owner: str
    publications: tuple[str, ...]
    rights: tuple[Right, ...]
    columns: dict[str, ColumnFacts] = field(default_factory=dict)
    indexes: tuple[IndexFacts, ...] = ()
    checks: tuple[CheckFacts, ...] = ()
    foreign_keys: tuple[ForeignKeyFacts, ...] = ()
    triggers: tuple[TriggerFacts, ...] = ()
    dependents: tuple[ColumnDependent, ...] = ()

    @property
    def key(self) -> str:
        """``schema.name``."""
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """Its name as SQL."""
        return qualified(self.schema, self.name)

    def referencing(self, column: str) -> tuple[ForeignKeyFacts, ...]:
        """Return the foreign keys that point at one of its columns."""
        return tuple(one for one in self.foreign_keys if one.parent_key == self.key and column in one.parent_columns)

    def own_foreign_keys(self) -> tuple[ForeignKeyFacts, ...]:
        """Return the foreign keys that the table itself has."""
        return tuple(one for one in self.foreign_keys if one.child_key == self.key)


def qualified(schema: str, name: str) -> str:
    """Return a name with its schema as SQL.

    Examples
    --------
    >>> qualified("public", "tasks")
    '"public"."tasks"'
    """
    return f"{identifier(schema)}.{identifier(name)}"


def read_table(connection: Connection[Any], schema: str, name: str) -> TableFacts:
    """Return what the catalog says about a table.

    Parameters
    ----------
    connection
        A session that may read the catalog.
    schema, name
        The table.

    Raises
    ------
    Refused
        There is no such table.
    """
    found = _rows(connection, "table", schema=schema, table=name)
    if not found:
        message = f"{schema}.{name} is not in {connection.info.dbname}; an evolution changes tables that are there."
        raise Refused(f"{message} Correct `table` in its file.", code="HO660")
    row = {**found[0], "publications": tuple(found[0]["publications"]), "rights": _rights(found[0]["rights"])}
    oid = int(row["oid"])
    columns = [_column(one) for one in _rows(connection, "columns", oid=oid)]
    return TableFacts(
        schema=schema,
        name=name,
        **row,
        columns={one.name: one for one in columns},
        indexes=tuple(IndexFacts(**_tuples(one)) for one in _rows(connection, "indexes", oid=oid)),
        checks=tuple(CheckFacts(**_tuples(one)) for one in _rows(connection, "checks", oid=oid)),
        foreign_keys=tuple(ForeignKeyFacts(**_tuples(one)) for one in _rows(connection, "foreign_keys", oid=oid)),
        triggers=tuple(TriggerFacts(**one) for one in _rows(connection, "triggers", oid=oid)),
        dependents=tuple(ColumnDependent(**one) for one in _rows(connection, "dependents", oid=oid)),
    )


def naming_functions(connection: Connection[Any], table: str, columns: list[str]) -> list[str]:
    """Return the functions whose text names a table and one of its columns.

    Parameters
    ----------
    connection
        A session that may read the catalog.
    table, columns
        The names.
    """
    rows = connection.execute(_sql("naming_functions"), {"own": SYNC_FUNCTION_PREFIX})
    return [str(name) for name, text in rows if names_one(text, [table]) and names_one(text, columns)]


def names_one(text: str, names: list[str]) -> bool:
    """Say whether the text of a function may name one of these tables or columns.

    PostgreSQL folds names without quotes, and quoted ones may hold blanks, so a name counts in any case and as a whole.

    Examples
    --------
    >>> names_one("NEW.STATUS = 'new'", ["status"]), names_one('UPDATE "Order Lines" SET a = 1', ["Order Lines"])
    (True, True)
    >>> names_one("NEW.status_before = 'new'", ["status"])
    False
    """
    plain = text.replace('""', '"')
    return any(re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", plain, re.IGNORECASE) for name in names)


def _sql(name: str) -> bytes:
    return files("handover.evolve.catalog").joinpath(f"{name}.sql").read_bytes()


def _rows(connection: Connection[Any], name: str, **arguments: object) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_sql(name), arguments).fetchall()


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def _rights(found: list[list[str]]) -> tuple[Right, ...]:
    return tuple((role, right, grantable) for role, right, grantable in found)


def _column(row: dict[str, Any]) -> ColumnFacts:
    owned = row.pop("sequence")
    rights = _rights(row.pop("sequence_rights") or [])
    if owned:
        owned = read_sequence(owned, rights)
    told = {"sequence": owned, "rights": _rights(row["rights"]), "options": tuple(row["options"])}
    return ColumnFacts(**{**row, **told})

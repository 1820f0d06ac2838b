"""The live database as it is: every table of every schema but PostgreSQL's own, read in one snapshot."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any

from psycopg import Connection, connect, errors, sql
from psycopg.rows import dict_row

from handover.errors import UnseenError
from handover.troubles import as_handover_error

Key = tuple[str, str]
STATEMENT_TIMEOUT_MS = 30_000
# Reading does not wait long behind a session that holds a table exclusively; a message names that.
LOCK_TIMEOUT_MS = 2_000
# The bits of pg_index.indoption.
DESCENDING, NULLS_FIRST = 1, 2
READS = (
    "pg_class", "pg_namespace", "pg_attribute", "pg_attrdef", "pg_type", "pg_collation", "pg_constraint",
    "pg_index", "pg_am", "pg_opclass", "pg_trigger", "pg_depend", "pg_roles", "pg_db_role_setting", "pg_database",
    "pg_sequence", "pg_inherits", "pg_publication", "pg_publication_tables", "pg_rewrite",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One live column; ``identity`` is '', 'a' (always) or 'd' (by default), ``generated`` '', 's' or 'v',
    ``computed`` what a generated one is computed by.
    """

    type: str
    null: bool
    default: str | None = None
    identity: str = ""
    generated: str = ""
    collation: str | None = None
    computed: str | None = None

    @property
    def supplied(self) -> bool:
        """Whether the database fills it in."""
        return self.default is not None or bool(self.identity or self.generated)


@dataclass(frozen=True)
class LiveConstraint:
    """One live constraint.

    ``kind`` is 'p', 'u', 'f', 'c' or 'x', ``on_delete`` 'a' when the database does nothing; ``deferred`` when it waits
    for the commit without being asked to.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    definition: str
    deferrable: bool
    deferred: bool
    validated: bool
    on_delete: str
    target: Key | None
    target_columns: tuple[str, ...]


@dataclass(frozen=True)
class LiveIndex:
    """One live index.

    ``special`` when it is partial or on an expression, ``like`` when it serves LIKE only; ``classes`` its operator
    classes, ``include`` the columns it carries beside its key, ``order`` of each key whether it is (descending, with
    NULLs first).
    """

    name: str
    method: str
    columns: tuple[str, ...]
    unique: bool
    primary: bool
    valid: bool
    special: bool
    default_classes: bool
    like: bool
    definition: str
    include: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    order: tuple[tuple[bool, bool], ...] = ()
    nulls_distinct: bool = True

    @property
    def plain(self) -> bool:
        """Whether its columns describe it completely."""
        return self.valid and not self.special and self.default_classes


@dataclass(frozen=True)
class Trigger:
    """One live trigger."""

    name: str
    definition: str
    enabled: bool


@dataclass
class Table:
    """One live table or view.

    ``kind`` is PostgreSQL's ``relkind``, ``rows`` an estimate, -1 when never analysed; ``rewritten`` when a rule of
    PostgreSQL turns statements into others; ``unlogged`` when a crash empties it; ``children`` and ``parents`` by
    inheritance; ``unenforced`` the constraints that are there and switched off; ``unpublishable`` the publications that
    cannot tell its rows apart, so that PostgreSQL refuses to update them.
    """

    schema: str
    name: str
    kind: str = "r"
    owner: str = ""
    rows: int = -1
    bytes: int = 0
    row_security: bool = False
    rewritten: bool = False
    unlogged: bool = False
    children: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    unenforced: list[str] = field(default_factory=list)
    unpublishable: str | None = None
    grants: list[str] = field(default_factory=list)
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: list[LiveConstraint] = field(default_factory=list)
    indexes: list[LiveIndex] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """Schema and name."""
        return (self.schema, self.name)

    def __str__(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of its primary key."""
        return next((c.columns for c in self.constraints if c.kind == "p"), ())

    def foreign_keys(self) -> Iterator[LiveConstraint]:
        """Yield its foreign keys."""
        return (c for c in self.constraints if c.kind == "f")

    def is_indexed(self, columns: tuple[str, ...], *, method: str = "btree") -> bool:
        """Say whether a valid index serves look-ups by these columns."""
        return any(i.plain and i.columns == columns and i.method == method for i in self.indexes)

    def is_unique(self, columns: tuple[str, ...]) -> bool:
        """Say whether a valid index forbids duplicates of these columns; their order does not matter."""
        return any(i.plain and i.unique and set(i.columns) == set(columns) for i in self.indexes)


@dataclass(frozen=True)
class KeySequence:
    """One live sequence, and the unique column that takes its values from it.

    They are ``step`` apart, from ``lowest`` to ``highest``, as far as both the sequence and the column's type go; one
    that ``cycles`` begins again at its end.
    """

    column: str
    schema: str
    name: str
    step: int
    lowest: int
    highest: int
    cycles: bool = False

    @property
    def relation(self) -> Table:
        """The sequence as a relation, to check whether it may be read."""
        return Table(self.schema, self.name, "S")


@dataclass(frozen=True)
class Role:
    """One database role.

    ``connections`` is its limit, -1 for none; ``settings`` are ``name=value`` texts, the last of a name counts; what
    keeps it out: not ``logs_in``, its password has ``expired``, not ``connects`` to this database.
    """

    name: str
    unbounded: bool
    connections: int
    settings: tuple[str, ...]
    logs_in: bool = True
    expired: bool = False
    connects: bool = True


@dataclass(frozen=True)
class Rights:
    """The rights that one role lacks on one table, and whether it could alter the table."""

    missing: tuple[str, ...]
    no_schema: bool
    owns: bool
    sequences: tuple[str, ...]


@dataclass
class Catalog:
    """The live database, as models are compared with it.

    Attributes
    ----------
    server
        The row of ``server.sql``.
    tables
        (schema, name) → table.
    roles, rights
        Of the roles that were requested.
    """

    server: dict[str, Any] = field(default_factory=dict)
    tables: dict[Key, Table] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    rights: dict[tuple[str, Key], Rights] = field(default_factory=dict)
    schemas: frozenset[str] = frozenset({"public"})

    def find(self, path: Sequence[str], name: str) -> Table | None:
        """Return the table that a name refers to with this ``search_path``.

        A model may name its schema itself, ``lab"."sample``: Django puts quotes around the whole.
        """
        parts = name_parts(name)
        candidates = [(parts[0], parts[1])] if len(parts) > 1 else [(schema, parts[0]) for schema in path]
        return next((self.tables[key] for key in candidates if key in self.tables), None)

    def in_schema(self, schema: str) -> dict[str, Table]:
        """Return the tables of one schema by name."""
        return {name: table for (of, name), table in self.tables.items() if of == schema}

    def schemas_of(self, name: str) -> list[str]:
        """Return the schemas that have a table of this name."""
        return sorted(schema for schema, table in self.tables if table == name)

    @cached_property
    def foreign_keys(self) -> tuple[tuple[Table, LiveConstraint], ...]:
        """All foreign keys with the table they are on."""
        return tuple((table, key) for table in self.tables.values() for key in table.foreign_keys())


def name_parts(name: str) -> tuple[str, ...]:
    """Return the schema, if a model's ``db_table`` names one, and the table.

    Examples
    --------
    >>> name_parts('"lab"."sample"'), name_parts('lab"."sample'), name_parts("sample")
    (('lab', 'sample'), ('lab', 'sample'), ('sample',))
    """
    return tuple(part for part in name.replace('"."', "\0").strip('"').split("\0") if part) or (name,)


@contextmanager
def snapshot(url: str, *, timeout_ms: int = STATEMENT_TIMEOUT_MS) -> Iterator[Connection[Any]]:
    """Open one read-only snapshot of the database: it shows no later change, and cannot write.

    Raises
    ------
    UnseenError
        The database cannot be reached, or refused to answer.
    """
    try:
        with connect(url, application_name="handover check", connect_timeout=10) as connection:
            begin_snapshot(connection, timeout_ms=timeout_ms)
            yield connection
            connection.rollback()
    except errors.InsufficientPrivilege as error:
        message = f"the database did not let {_user(url)} look: {_first_line(error)}."
        raise UnseenError(f"{message} `handover doctor` says which GRANT is missing.") from error
    except (errors.QueryCanceled, errors.LockNotAvailable) as error:
        message = f"the database took too long to answer: {_first_line(error)}."
        raise UnseenError(
            f"{message} Nothing was compared; another session may hold a table. Try again later."
        ) from error
    except errors.Error as error:
        raise as_handover_error(error) from error


def begin_snapshot(connection: Connection[Any], *, timeout_ms: int = STATEMENT_TIMEOUT_MS) -> None:
    """Make the connection's transaction a read-only snapshot with time limits."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(timeout_ms))
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(LOCK_TIMEOUT_MS))
    connection.execute("SET LOCAL search_path = public")


def catalog_query(name: str) -> bytes:
    """Return the text of one of the package's queries, for example ``columns``."""
    return files("handover.schema").joinpath(f"{name}.sql").read_bytes()


def read_catalog(connection: Connection[Any]) -> Catalog:
    """Read the catalog, without roles; this blocks no reader and no writer of any table.

    Parameters
    ----------
    connection
        In a transaction of its own, see :func:`snapshot`.
    """
    server = _rows(connection, "server")[0]
    tables = {(row["schema"], row["name"]): Table(**row) for row in _rows(connection, "tables")}
    by_table: dict[str, dict[Key, list[dict[str, Any]]]] = {}
    for part in ("columns", "constraints", "indexes", "triggers"):
        by_table[part] = defaultdict(list)
        for row in _rows(connection, part):
            by_table[part][row.pop("schema"), row.pop("table")].append(row)
    for key, table in tables.items():
        table.columns = {row.pop("column"): Column(**row) for row in by_table["columns"][key]}
        table.constraints = [_constraint(row) for row in by_table["constraints"][key]]
        table.indexes = [_index(row) for row in by_table["indexes"][key]]
        table.triggers = [Trigger(**row) for row in by_table["triggers"][key]]
    schemas = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_'").fetchall()
    return Catalog(server, tables, schemas=frozenset(name for (name,) in schemas))


def read_sequences(connection: Connection[Any]) -> dict[Key, list[KeySequence]]:
    """Read which sequences the unique columns of each table take their values from."""
    found: dict[Key, list[KeySequence]] = defaultdict(list)
    for row in _rows(connection, "sequences"):
        key = (row.pop("schema"), row.pop("table"))
        found[key].append(KeySequence(schema=row.pop("in_schema"), **row))
    return found


def read_roles(connection: Connection[Any], catalog: Catalog, names: Sequence[str]) -> None:
    """Read some roles, and their rights on all tables, into the catalog.

    Parameters
    ----------
    connection
        In a read-only snapshot.
    catalog
        Gets the roles and their rights.
    names
        The roles.
    """
    asked = {"roles": list(names)}
    for row in _rows(connection, "roles", asked):
        catalog.roles[row["name"]] = Role(**row | {"settings": tuple(row["settings"])})
    for row in _rows(connection, "rights", asked):
        key = (row.pop("role"), (row.pop("schema"), row.pop("table")))
        catalog.rights[key] = Rights(**row | {name: tuple(row[name]) for name in ("missing", "sequences")})


def _index(row: dict[str, Any]) -> LiveIndex:
    order = tuple((bool(flags & DESCENDING), bool(flags & NULLS_FIRST)) for flags in row["order"])
    return LiveIndex(**row | {name: tuple(row[name]) for name in ("columns", "include", "classes")} | {"order": order})


def _constraint(row: dict[str, Any]) -> LiveConstraint:
    schema, table = row.pop("target_schema"), row.pop("target_table")
    target = (schema, table) if table is not None else None
    row |= {name: tuple(row[name]) for name in ("columns", "target_columns")}
    return LiveConstraint(**row, target=target)


def _rows(connection: Connection[Any], name: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(catalog_query(name), parameters).fetchall()


def _user(url: str) -> str:
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - for one message

    return str(conninfo_to_dict(url).get("user", "this role"))


def _first_line(error: errors.Error) -> str:
    return str(error).strip().splitlines()[0]

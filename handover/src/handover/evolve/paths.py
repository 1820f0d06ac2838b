"""The search paths of the old roles: they find the views of the old shape before the tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from handover.errors import Refused
from handover.wording import identifier

_USUAL = '"$user", public'


@dataclass(frozen=True, kw_only=True)
class RolePath:
    """The search path of one old role.

    It is changed in this database alone: the role may be one of other databases of the server, too, with tables and
    evolutions of their own.

    Attributes
    ----------
    role, database, tables
        Its name, the name of the database, and the schemas of the tables that have views.
    path
        The path as it is, as SQL.
    set_here
        Whether the role has a setting of its own for this database.
    may_alter
        Whether this session may change it.
    """

    role: str
    database: str
    tables: tuple[str, ...]
    path: str
    set_here: bool
    may_alter: bool

    def with_schema(self, schema: str) -> str:
        """Return the path with a schema before those of the tables."""
        if self.leads_to(schema):
            return self.path
        parts = [part.strip() for part in self.path.split(",") if self._bare(part) != schema]
        place = next((n for n, part in enumerate(parts) if self._bare(part) in self.tables), 0)
        return ", ".join([*parts[:place], identifier(schema), *parts[place:]])

    def names(self, schema: str) -> bool:
        """Whether the path has the schema, at any place."""
        return schema in map(self._bare, self.path.split(","))

    def without(self, schema: str) -> str:
        """Return the path without a schema."""
        return ", ".join(part.strip() for part in self.path.split(",") if self._bare(part) != schema) or "''"

    def leads_to(self, schema: str) -> bool:
        """Whether the path has the schema before those of the tables, so that its views are found and not these."""
        names = [self._bare(part) for part in self.path.split(",")]
        return views_first(names, [schema], self.tables)

    def set_statement(self, schema: str) -> str:
        """Return the statement that puts the schema into the path."""
        return f"{self._alter()} SET search_path = {self.with_schema(schema)}"

    def restore_statement(self) -> str:
        """Return the statement that puts the path back as it is now."""
        if self.set_here:
            return f"{self._alter()} SET search_path = {self.path}"
        return f"{self._alter()} RESET search_path"

    def _alter(self) -> str:
        return f"ALTER ROLE {identifier(self.role)} IN DATABASE {identifier(self.database)}"

    def _bare(self, part: str) -> str:
        name = part.strip().strip('"')
        return self.role if name == "$user" else name


def views_first(path: Sequence[str], views: Sequence[str], tables: Sequence[str]) -> bool:
    """Say whether a search path has one of the schemas of views before every schema of the tables behind them.

    Parameters
    ----------
    path
        Schemas, the first first.
    views, tables
        The schemas of the views, and of the tables.

    Examples
    --------
    >>> views_first(["mine", "phase1", "public"], ["phase1"], ["public"])
    True
    >>> views_first(["mine", "phase1", "public"], ["phase1"], ["public", "mine"])
    False
    """
    before = next((place for place, name in enumerate(path) if name in tables), len(path))
    return any(view in path[:before] for view in views)


def read_paths(connection: Connection[Any], roles: Sequence[str], tables: Sequence[str]) -> list[RolePath]:
    """Return the search path of each role.

    Parameters
    ----------
    connection
        In the database.
    roles, tables
        The roles, and the schemas of the tables that have views.

    Raises
    ------
    Refused
        A role is not there.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            files("handover.evolve.catalog").joinpath("role_paths.sql").read_bytes(), {"roles": list(roles)}
        ).fetchall()
    if missing := set(roles) - {row["role"] for row in rows}:
        message = f"the server has no role {', '.join(sorted(missing))}. Correct [evolve] old_roles in handover.toml."
        raise Refused(message, code="HO660")
    return [_path(row, connection.info.dbname, tuple(tables)) for row in rows]


def _path(row: dict[str, Any], database: str, tables: tuple[str, ...]) -> RolePath:
    found = row["here"] or row["everywhere"] or row["base"]
    return RolePath(
        role=row["role"],
        database=database,
        tables=tables,
        path=found.partition("=")[2] if found else _USUAL,
        set_here=row["here"] is not None,
        may_alter=bool(row["may_alter"]),
    )

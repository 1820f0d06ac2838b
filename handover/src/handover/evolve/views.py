"""The views of both shapes: plain renaming views, which PostgreSQL updates itself."""

from collections.abc import Iterable, Iterator

from handover.evolve.catalog.facts import Right, qualified
from handover.evolve.draft import EvolutionDraft, TableDraft
from handover.evolve.locks import LockedStatements
from handover.evolve.statement import EvolveStatement
from handover.wording import identifier

# Rights that a view has a use for.
_ROW_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
# What a view cannot do that its table can; Django does the first for models that it manages.
NOT_THROUGH_A_VIEW = (
    "through a view, GROUP BY needs every selected column, not the primary key alone: Django's annotate() with an"
    " aggregate groups by the key alone when the model is managed, and such a query fails;"
    " set `allows_group_by_selected_pks = False` on that system's database features, or list the values",
    "through a view, these fail: TRUNCATE, COPY without a query, CREATE INDEX, ALTER TABLE, a new foreign key to it,"
    " ON CONFLICT ON CONSTRAINT, TABLESAMPLE, and the columns ctid, xmin and tableoid;"
    " LOCK TABLE locks the view and the table",
    "a statement that names the schema of a table gets round the views: after the switch it meets the new columns",
    "a CREATE without a schema, as of a migration, is refused where the views come first in the search path;"
    " run no migration of the systems until the contract",
    "a prepared SELECT * or RETURNING * fails when its table gets new columns, and for the new shape after the contract"
    " (cached plan must not change result type); statements that list their columns, as Django's do, go on",
)


def old_shape(table: TableDraft) -> dict[str, str]:
    """Return each column of the old shape with the table's own name of it, before the switch."""
    return {one.name: table.physical_old(one.name) for one in table.old_columns()}


def new_shape(table: TableDraft) -> dict[str, str]:
    """Return each column of the new shape with the table's own name of it, before the switch."""
    return {name: table.physical(name) for name in table.new_columns()}


def schema_statements(
    make: LockedStatements, draft: EvolutionDraft, schema: str, roles: Iterable[str]
) -> Iterator[EvolveStatement]:
    """Yield the statements that make a schema for views and let every role in that may use the tables.

    Parameters
    ----------
    make
        Makes the statements.
    draft
        The tables.
    schema
        The schema's name.
    roles
        Roles that get in as well.
    """
    yield make.free(f"CREATE SCHEMA {identifier(schema)}")
    rights = [right for table in viewed(draft) for right in _all_rights(table)]
    owners = _owners(draft)
    for role in sorted({*roles, *(role for role, _, _ in rights), *owners}):
        # A view is given to the table's owner, who must be able to create in the schema; not so for a superuser alone.
        use = "CREATE, USAGE" if role in owners else "USAGE"
        yield make.free(f"GRANT {use} ON SCHEMA {identifier(schema)} TO {_role(role)}")


def closing_statements(make: LockedStatements, draft: EvolutionDraft, schema: str) -> Iterator[EvolveStatement]:
    """Yield the statements after which no owner of a table may create in a schema of views.

    It may come first in a search path, where a CREATE without a schema goes; the administrator's own right stays.

    Parameters
    ----------
    make, draft, schema
        As of :func:`schema_statements`.
    """
    for role in sorted(_owners(draft) - {one.facts.reader for one in viewed(draft)}):
        yield make.free(f"REVOKE CREATE ON SCHEMA {identifier(schema)} FROM {identifier(role)}")


def _owners(draft: EvolutionDraft) -> set[str]:
    return {one.facts.owner for one in viewed(draft)}


def view_statements(
    make: LockedStatements, table: TableDraft, schema: str, columns: dict[str, str], defaults: dict[str, str]
) -> Iterator[EvolveStatement]:
    """Yield the statements that make the view of one shape, with the table's rights.

    Parameters
    ----------
    make
        Makes the statements.
    table
        The table.
    schema
        Where the view goes.
    columns
        Each column of the view, with the table's own name of it.
    defaults
        Each column that has a default on the view, with its SQL.
    """
    view = qualified(schema, table.facts.name)
    selected = ", ".join(f"{identifier(own)} AS {identifier(name)}" for name, own in columns.items())
    sql = f"CREATE VIEW {view} WITH (security_invoker = true) AS SELECT {selected} FROM {table.facts.sql}"
    yield make.beside(sql, table.facts.key, "ACCESS SHARE")
    for name, default in defaults.items():
        yield make.free(f"ALTER VIEW {view} ALTER COLUMN {identifier(name)} SET DEFAULT {default}")
    yield make.free(f"ALTER VIEW {view} OWNER TO {identifier(table.facts.owner)}")
    yield from (make.free(grant) for grant in grants(table.facts.rights, view, _ROW_RIGHTS))
    for name, own in columns.items():
        origin = table.facts.columns.get(_origin(table, own))
        for grant in grants(origin.rights if origin else (), view, _ROW_RIGHTS, column=name):
            yield make.free(grant)


def viewed(draft: EvolutionDraft) -> list[TableDraft]:
    """Return the tables that have views: those whose shapes have different columns."""
    return [table for table in draft.tables.values() if table.shape_changes]


def grants(rights: Iterable[Right], on: str, kinds: Iterable[str], column: str = "") -> Iterator[str]:
    """Yield the statements that give the same rights on something else.

    Parameters
    ----------
    rights
        (role, privilege, 'grantable' or '').
    on
        The other thing, as SQL.
    kinds
        The privileges that it can have.
    column
        The column that the rights are on; empty: all of it.
    """
    part = f" ({identifier(column)})" if column else ""
    given: dict[tuple[str, str], list[str]] = {}
    for role, privilege, grantable in rights:
        if privilege in kinds:
            given.setdefault((role, grantable), []).append(f"{privilege}{part}")
    for (role, grantable), privileges in given.items():
        option = " WITH GRANT OPTION" if grantable else ""
        yield f"GRANT {', '.join(privileges)} ON {on} TO {_role(role)}{option}"


def _role(role: str) -> str:
    return "PUBLIC" if role == "PUBLIC" else identifier(role)


def _origin(table: TableDraft, own: str) -> str:
    """Return the old column whose rights a column of the table has."""
    return next((old for old in table.pairs if table.pair(old).shadow == own), own)


def _all_rights(table: TableDraft) -> Iterator[Right]:
    yield from table.facts.rights
    for column in table.facts.columns.values():
        yield from column.rights

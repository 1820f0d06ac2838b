"""What others have made from what is to be dropped: PostgreSQL would refuse in the middle, so it is asked before."""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from psycopg import Connection

from handover.config.evolve import EvolveSettings
from handover.evolve.catalog.facts import naming_functions, qualified
from handover.evolve.statement import DroppedColumns, EvolutionPlan

# Only what DROP refuses to take along ("n"): an index or a check of the table itself goes with its column.
# The views of both shapes and the keys that the plan drops are the evolution's own.
_COLUMNS = """
    SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0), coalesce(a.attname::text, '')
      FROM pg_depend d
      LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND a.attnum > 0
      LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
      LEFT JOIN pg_class v ON v.oid = w.ev_class
      LEFT JOIN pg_constraint f ON d.classid = 'pg_constraint'::regclass AND f.oid = d.objid
      LEFT JOIN pg_class c ON c.oid = f.conrelid
      LEFT JOIN pg_namespace k ON k.oid = f.connamespace
     WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass(%(table)s) AND d.deptype = 'n'
       AND (a.attname = ANY (%(columns)s) OR cardinality(%(columns)s::text[]) = 0)
       AND (v.oid IS NULL
            OR v.relnamespace <> ALL (SELECT oid FROM pg_namespace WHERE nspname = ANY (%(schemas)s))
            OR NOT v.relname = ANY (%(views)s))
       AND (f.oid IS NULL
            OR f.contype = 'f' AND concat_ws('.', k.nspname, c.relname, f.conname) <> ALL (%(keys)s))
     ORDER BY 1, 2
"""
_VIEWS = """
    SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid), format('%%I.%%I', n.nspname, c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_depend d ON d.deptype = 'n'
       AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
            OR d.refclassid = 'pg_type'::regclass AND d.refobjid = c.reltype)
      LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
     WHERE n.nspname = ANY (%(schemas)s) AND c.relname = ANY (%(views)s) AND (w.oid IS NULL OR w.ev_class <> c.oid)
     ORDER BY 1, 2
"""
_SCHEMAS = """
    SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0), n.nspname::text
      FROM pg_namespace n
      JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.deptype = 'n'
      LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
     WHERE n.nspname = ANY (%(schemas)s) AND (c.oid IS NULL OR c.relname <> ALL (%(views)s))
     ORDER BY 1, 2
"""


def dependents(
    connection: Connection[Any], settings: EvolveSettings, plan: EvolutionPlan, drops: tuple[DroppedColumns, ...]
) -> Iterator[tuple[str, str]]:
    """Yield what depends on what would be dropped: its name, and what it uses.

    Parameters
    ----------
    connection
        As the owner of the tables.
    settings
        The section ``[evolve]``.
    plan, drops
        The plan, and what the part of it that comes drops.
    """
    views = [table.split(".", 1)[1] for table in plan.tables]
    both: dict[str, Any] = {"schemas": [settings.old_schema, settings.new_schema], "views": views}
    for dropped in drops:
        arguments = {
            "table": qualified(*dropped.table.split(".", 1)),
            "columns": list(dropped.columns),
            "keys": list(dropped.foreign_keys),
        }
        for what, column in connection.execute(_COLUMNS.encode(), both | arguments):
            yield str(what), f"uses {dropped.table}{'.' if column else ''}{column}"
    for what, view in connection.execute(_VIEWS.encode(), both):
        yield str(what), f"is made from the view {view}"
    for what, schema in connection.execute(_SCHEMAS.encode(), both):
        yield str(what), f"is in the schema {schema}"


def whole_row_uses(connection: Connection[Any], settings: EvolveSettings, table: str) -> Iterator[tuple[str, bool]]:
    """Yield what uses the rows of a table as a whole, and whether it stores them: it would see other columns.

    Parameters
    ----------
    connection, settings
        As of :func:`dependents`; its accepted functions are left out.
    table
        ``schema.name``.
    """
    query = files("handover.evolve.catalog").joinpath("whole_rows.sql").read_bytes()
    schema, name = table.split(".", 1)
    for what, function, stored in connection.execute(query, {"schema": schema, "name": name}):
        if function not in settings.accepted_functions:
            yield str(what), bool(stored)


def naming_dropped(
    connection: Connection[Any], settings: EvolveSettings, drops: tuple[DroppedColumns, ...]
) -> Iterator[tuple[str, str]]:
    """Yield each function whose text names a column or a schema that would be dropped, and what it names.

    Parameters
    ----------
    connection, settings, drops
        As of :func:`dependents`.
    """
    for dropped in drops:
        names = [*dropped.columns, settings.old_schema, settings.new_schema]
        for function in naming_functions(connection, dropped.table.split(".", 1)[1], names):
            if function not in settings.accepted_functions:
                yield f"the function {function}", f"names {dropped.table} and one of {', '.join(names)} in its text"

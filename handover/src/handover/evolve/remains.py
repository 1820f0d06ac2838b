"""What an evolution has left: after a rollback and after a contract, nothing of it may be there."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection

from handover.config.evolve import EvolveSettings
from handover.evolve.catalog.facts import qualified
from handover.schema.evolved import SYNC_FUNCTION_PREFIX, SYNC_TRIGGER

_TRIGGERS = (
    "SELECT format('trigger %%s on %%s', tgname, tgrelid::regclass) FROM pg_trigger WHERE tgname = %s ORDER BY 1"
)
_FUNCTIONS = """
    SELECT format('function %%s', oid::regprocedure) FROM pg_proc WHERE starts_with(proname, %s) ORDER BY 1
"""
_SCHEMAS = "SELECT format('schema %%I', nspname) FROM pg_namespace WHERE nspname = ANY(%s) ORDER BY 1"
_COLUMNS = """
    SELECT format('column %%s.%%I', attrelid::regclass, attname) FROM pg_attribute
      JOIN unnest(%s::text[], %s::text[]) AS gone (place, name) ON attrelid = to_regclass(place) AND attname = name
     WHERE NOT attisdropped ORDER BY 1
"""
_INVALID = """
    SELECT format('invalid index %%s', indexrelid::regclass) FROM pg_index
     WHERE NOT indisvalid AND indrelid = ANY(SELECT to_regclass(name)::oid FROM unnest(%s::text[]) AS name) ORDER BY 1
"""
_PATHS = """
    SELECT format('role %%s: %%s', rolname, setting) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
      CROSS JOIN unnest(setconfig) AS setting
     WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
       AND r.rolname = ANY(%s) AND setting LIKE 'search_path=%%' AND %s = ANY(
           SELECT btrim(part, ' "') FROM unnest(string_to_array(substr(setting, 13), ',')) AS part)
"""


def remains(
    connection: Connection[Any],
    settings: EvolveSettings,
    tables: Sequence[str],
    columns: Sequence[tuple[str, str]],
    roles: Sequence[str],
) -> list[str]:
    """Return what of an evolution is still there, one line each.

    Parameters
    ----------
    connection
        As the owner of the tables.
    settings
        The section ``[evolve]``.
    tables, columns
        The tables that it changed, as ``schema.name``, and the columns that must be gone: (table, column).
    roles
        The roles whose search path has had the views since its start alone.
    """
    quoted = [qualified(*table.split(".", 1)) for table in tables]
    gone = [[qualified(*table.split(".", 1)) for table, _ in columns], [column for _, column in columns]]
    schemas = [settings.old_schema, settings.new_schema]
    asked: list[tuple[str, list[Any]]] = [
        (_TRIGGERS, [SYNC_TRIGGER]),
        (_FUNCTIONS, [SYNC_FUNCTION_PREFIX]),
        (_SCHEMAS, [schemas]),
        (_COLUMNS, gone),
        (_INVALID, [quoted]),
        (_PATHS, [list(roles), settings.old_schema]),
    ]
    return [row[0] for query, values in asked for row in connection.execute(query.encode(), values).fetchall()]

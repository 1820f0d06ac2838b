"""Refuse a database that was not adopted, and a table that has not the shape of this process's phase.

The backend's labels and table names equal the original's. On a connection whose ``search_path`` or
database is not the adopted one, ``migrate`` would quietly build a second set of tables, and requests
would read and write those. While a table has two shapes, a schema of the phase has a view of each.
"""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

SHARED_APPS = ("admin", "auth", "choreography", "contenttypes", "sessions", "users")

# to_regclass() follows the search_path exactly as an unqualified name in a statement does.
_WHERE_TABLES_ARE = """
    SELECT name, (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass(name))
    FROM unnest(%s::text[]) AS name
"""
# Under its name in the standard, as PostgreSQL tells it.
TYPES = {"varchar": "character varying"}
_TYPE = "SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s"


class NotAdoptedError(ImproperlyConfigured):
    """The database is not one that `handover adopt` prepared for the backend."""


class OtherShapeError(NotAdoptedError):
    """A table has the shape of another phase than this process."""


def shared_tables() -> set[str]:
    """Return the tables that both systems use."""
    configs = [apps.get_app_config(label) for label in SHARED_APPS]
    models = [model for config in configs for model in config.get_models(include_auto_created=True)]
    return {model._meta.db_table for model in models}  # noqa: SLF001 - public by its documentation


def expected_schemas() -> dict[str, tuple[str, ...]]:
    """Return the schemas in which each name may resolve."""
    shared = ("public", settings.PHASE_SCHEMA)
    return {"django_migrations": ("backend",)} | dict.fromkeys(sorted(shared_tables()), shared)


def check(connection: BaseDatabaseWrapper) -> None:
    """Raise NotAdoptedError or OtherShapeError unless this database is one for this process."""
    _check_schemas(connection)
    _check_shapes(connection)


def _check_schemas(connection: BaseDatabaseWrapper) -> None:
    expected = expected_schemas()
    with connection.cursor() as cursor:
        cursor.execute(_WHERE_TABLES_ARE, [list(expected)])
        actual = dict(cursor.fetchall())
    wrong = [
        f"{table} resolves to {schema_text(actual[table])}, expected {schemas[0]}"
        for table, schemas in expected.items()
        if actual[table] not in schemas
    ]
    if wrong:
        raise NotAdoptedError(
            f"Database {connection.settings_dict['NAME']} is not adopted: {'; '.join(wrong)}. "
            "Nothing was read or written. Run `handover adopt` on this database, "
            "or correct DATABASE_URL."
        )


def schema_text(schema: str | None) -> str:
    return f"schema {schema}" if schema else "no table"


def _check_shapes(connection: BaseDatabaseWrapper) -> None:
    """Compare the columns that tell two shapes apart: a model names its own."""
    for model in apps.get_models():
        if hasattr(model, "TELLING_COLUMN"):
            _check_shape(connection, model)


def _check_shape(connection: BaseDatabaseWrapper, model: Any) -> None:
    meta, column = model._meta, model.TELLING_COLUMN  # noqa: SLF001 - public by its documentation
    wanted = str(meta.get_field(column).db_type(connection)).partition("(")[0]
    with connection.cursor() as cursor:
        cursor.execute(_TYPE, [meta.db_table, column])
        (found,) = cursor.fetchone() or ("missing",)
    if found != TYPES.get(wanted, wanted):
        raise OtherShapeError(
            f"SCHEMA_PHASE is {model.PHASE}, which needs {meta.db_table}.{column} as {TYPES.get(wanted, wanted)}; in "
            f"database {connection.settings_dict['NAME']} it is {found}. Nothing was read or written. {model.ADVICE}"
        )


def _on_connection(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    try:
        check(connection)
    except BaseException:
        # Also when the check itself failed: an open connection would not be checked again.
        connection.close()
        raise


def install() -> None:
    """Check every new connection: of the server, `migrate`, a worker or a shell."""
    connection_created.connect(_on_connection, dispatch_uid="config.guard")

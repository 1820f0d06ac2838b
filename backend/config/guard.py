"""Refuse a database that was not adopted.

The backend's labels and table names equal the original's. On a connection whose ``search_path`` or
database is not the adopted one, ``migrate`` would quietly build a second set of tables, and requests
would read and write those.
"""

from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

SHARED_APPS = ("admin", "auth", "choreography", "contenttypes", "sessions", "users")

# to_regclass() follows the search_path exactly as an unqualified name in a statement does.
_WHERE_TABLES_ARE = """
    SELECT name, (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass(name))
    FROM unnest(%s::text[]) AS name
"""


class NotAdoptedError(ImproperlyConfigured):
    """The database is not one that `handover adopt` prepared for the backend."""


def shared_tables() -> set[str]:
    """Return the tables that both systems use."""
    configs = [apps.get_app_config(label) for label in SHARED_APPS]
    models = [model for config in configs for model in config.get_models(include_auto_created=True)]
    return {model._meta.db_table for model in models}  # noqa: SLF001 - public by its documentation


def expected_schemas() -> dict[str, str]:
    """Return the schema in which each name must resolve."""
    return {"django_migrations": "backend"} | dict.fromkeys(sorted(shared_tables()), "public")


def check_schemas(connection: BaseDatabaseWrapper) -> None:
    """Raise NotAdoptedError unless every shared table and the migration history resolve as they must."""
    expected = expected_schemas()
    with connection.cursor() as cursor:
        cursor.execute(_WHERE_TABLES_ARE, [list(expected)])
        actual = dict(cursor.fetchall())
    wrong = [
        f"{table} resolves to {schema_text(actual[table])}, expected {schema}"
        for table, schema in expected.items()
        if actual[table] != schema
    ]
    if wrong:
        raise NotAdoptedError(
            f"Database {connection.settings_dict['NAME']} is not adopted: {'; '.join(wrong)}. "
            "Nothing was read or written. Run `handover adopt` on this database, "
            "or correct DATABASE_URL."
        )


def schema_text(schema: str | None) -> str:
    return f"schema {schema}" if schema else "no table"


def _on_connection(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    try:
        check_schemas(connection)
    except BaseException:
        # Also when the check itself failed: an open connection would not be checked again.
        connection.close()
        raise


def install() -> None:
    """Check every new connection: of the server, `migrate`, a worker or a shell."""
    connection_created.connect(_on_connection, dispatch_uid="config.guard")

"""The last check of an adoption: does the backend find all its tables, and do the original's deletes still succeed?"""

from collections.abc import Iterator
from typing import Any

from psycopg import connect

from handover.adoption.history import MigrationHistory
from handover.config.config import Config
from handover.errors import Refused
from handover.finding import Finding
from handover.schema.catalog import Catalog, LiveConstraint, Table, read_catalog
from handover.schema.deletes import blocking
from handover.schema.models import Description
from handover.side import Side


def require_adopted(
    url: str, config: Config, description: Description, seen: dict[str, Any], history: MigrationHistory
) -> None:
    """Raise unless every model can be read in the right schema, no migration is left, and no delete is blocked.

    Parameters
    ----------
    url
        Database, as the owner of the shared tables.
    config, description, history
        The pair, the backend's description, and what is done with its migrations.
    seen
        What the backend's own interpreter sees as its role, see :meth:`BackendAgent.report`.

    Raises
    ------
    Refused
        Something is not as planned; one finding each.
    """
    with connect(url) as connection:
        catalog = read_catalog(connection)
    findings = (
        *_unread(config, catalog, seen["models"], _awaited(description, history)),
        *_waiting(seen["waiting"], history),
        *_blocked(config, description, catalog),
    )
    if findings:
        name = catalog.server["database"]
        raise Refused(f"{name} is not as planned after the adoption, so it is undone.", findings)


def _awaited(description: Description, history: MigrationHistory) -> frozenset[str]:
    """Return the tables that migrations left for later make or change."""
    later = set(history.later)
    operations = (op for m in description.migrations if m.key in later for op in m.operations)
    return frozenset(table for op in operations for table in op.tables)


def _unread(
    config: Config, catalog: Catalog, models: list[dict[str, Any]], awaited: frozenset[str]
) -> Iterator[Finding]:
    schema, role = config.backend.schema_name, config.backend.role
    for model in models:
        if model["table"] in awaited:
            continue
        if model["error"] and model["managed"]:
            found = f"cannot be read by {role} through {model['label']}: {model['error']}"
            todo = (
                "Compare the model with its migrations (manage.py makemigrations --check), correct them, adopt again."
            )
            yield Finding(code="HO044", where=model["table"], found=found, expected="", todo=todo)
        elif model["place"] not in (None, "public", schema) or (
            model["place"] == schema and ("public", model["table"]) in catalog.tables
        ):
            found = f"is found by {role} in schema {model['place']}"
            todo = "Remove the other table of that name, or rename it; then adopt again."
            yield Finding(
                code="HO044", where=model["table"], found=found, expected="the original writes to another", todo=todo
            )


def _waiting(waiting: list[list[str]], history: MigrationHistory) -> Iterator[Finding]:
    for app, name in waiting:
        if (app, name) not in history.later:
            todo = "Adopt again. If it is left again, name it in migrate_later under [backend] in handover.toml."
            yield Finding(
                code="HO045",
                where=f"{app}.{name}",
                found="is left: manage.py migrate would run it",
                expected="",
                todo=todo,
            )


def _blocked(config: Config, description: Description, catalog: Catalog) -> Iterator[Finding]:
    schema = config.backend.schema_name
    declared = config.new_columns()
    fields = ((m.table, f) for m in description.concrete() for f in m.fields)
    new = {(table, f.column) for table, f in fields if {(table, f.column), (table, f.name)} & declared}
    roots = [
        key for key in catalog.tables if key[0] == "public" and key[1] in {m.table for m in description.concrete()}
    ]

    def is_known(table: Table, key: LiveConstraint) -> bool:
        return table.schema != schema and not any((table.name, column) in new for column in key.columns)

    for table, key in blocking(catalog, roots, is_known):
        where = f"{table.schema}.{table.name}.{', '.join(key.columns)}"
        found = f"points at {'.'.join(key.target or ())}, and the database has no ON DELETE action that succeeds"
        expected = "the original does not know this table, so its deletes would fail"
        todo = "Give the key ON DELETE CASCADE or SET NULL where it is made, by RunSQL in its migration; adopt again."
        yield Finding(code="HO047", where=where, found=found, expected=expected, todo=todo, hurts=Side.ORIGINAL)

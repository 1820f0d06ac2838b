"""The last look of an adoption: is everything as it was promised, for the system that came in and for the original?"""

from collections.abc import Iterator
from typing import Any

from psycopg import connect

from handover.adoption.history import MigrationHistory
from handover.config.config import Config
from handover.errors import Refused
from handover.finding import Finding
from handover.schema.catalog import Catalog, LiveConstraint, Table, read
from handover.schema.deletes import blocking
from handover.schema.models import Description
from handover.side import Side


def require_promised(
    url: str, config: Config, description: Description, seen: dict[str, Any], history: MigrationHistory
) -> None:
    """Raise unless every model can be read where it should be, nothing is left to migrate, and no delete is blocked.

    Parameters
    ----------
    url
        Database, as the owner of the shared tables.
    config, description, history
        The pair, what the incoming system said, and what became of its migrations.
    seen
        What its own interpreter sees, as its role: see :meth:`Insider.look`.

    Raises
    ------
    Refused
        Something is not as it was promised; one finding each.
    """
    with connect(url) as connection:
        catalog = read(connection)
    findings = (
        *_unread(config, catalog, seen["models"], _awaited(description, history)),
        *_waiting(seen["waiting"], history),
        *_blocked(config, description, catalog),
    )
    if findings:
        name = catalog.server["database"]
        raise Refused(f"{name} is not what was promised, so this adoption is taken back.", findings)


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
            todo = "Compare the model with its migrations (manage.py makemigrations --check), mend them, adopt again."
            yield Finding(code="HO044", where=model["table"], found=found, expected="", todo=todo)
        elif model["place"] not in (None, "public", schema) or (
            model["place"] == schema and ("public", model["table"]) in catalog.tables
        ):
            found = f"is found by {role} in schema {model['place']}"
            todo = "Remove the table that stands in the way, or name it otherwise; adopt again."
            yield Finding(
                code="HO044", where=model["table"], found=found, expected="the original writes to another", todo=todo
            )


def _waiting(waiting: list[list[str]], history: MigrationHistory) -> Iterator[Finding]:
    for app, name in waiting:
        if (app, name) not in history.later:
            todo = "Adopt again; if it stays, leave it for later: migrate_later under [backend] in handover.toml."
            yield Finding(
                code="HO045",
                where=f"{app}.{name}",
                found="would still be run by manage.py migrate",
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

    def is_the_originals(table: Table, key: LiveConstraint) -> bool:
        return table.schema != schema and not any((table.name, column) in new for column in key.columns)

    for table, key in blocking(catalog, roots, is_the_originals):
        where = f"{table.schema}.{table.name}.{', '.join(key.columns)}"
        found = f"points at {'.'.join(key.target or ())}, and the database has no action there that succeeds"
        expected = "the original does not know it, so its deletes would fail"
        todo = "Give the key ON DELETE CASCADE or SET NULL where it is made, by RunSQL in its migration; adopt again."
        yield Finding(code="HO047", where=where, found=found, expected=expected, todo=todo, hurts=Side.ORIGINAL)

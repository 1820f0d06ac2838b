"""The facts of the document, as JSON values in a fixed order: two runs differ only where the schema does."""

import math
from collections.abc import Iterator
from typing import Any

from handover.schema.catalog import Table
from handover.schema.models import Field, Model
from handover.schema.subject import DescribedSystem, Mapped, Subject

ACTIONS = {"a": "NO ACTION", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT", "r": "RESTRICT", " ": None}
KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}


def as_json(subject: Subject) -> dict[str, Any]:
    """Return the document: database, systems, tables, models and their mapping."""
    tables = [subject.catalog.tables[key] for key in sorted(subject.catalog.tables)]
    return {
        "database": {
            "name": subject.catalog.server["database"],
            "postgresql": subject.catalog.server["version"] // 10_000,
            "connections": subject.catalog.server["connections"],
        },
        "systems": {system.side: _system(subject, system.side) for system in subject.systems},
        "tables": {f"{t.schema}.{t.name}": _table(t) for t in tables},
        "models": {
            system.side: {m.model.label: _model(m) for m in _mapped(subject, system.side)} for system in subject.systems
        },
        "not_here": {system.side: _not_here(subject, system) for system in subject.systems},
        "mapping": list(_mapping(subject)),
    }


def _mapped(subject: Subject, name: str) -> list[Mapped]:
    return sorted((m for m in subject.mapped if m.system.side == name), key=lambda m: m.model.label)


def _not_here(subject: Subject, system: DescribedSystem) -> dict[str, str]:
    """Return the models without a table in this database, each with its other database or with the missing table."""
    away = {m.label: f"{m.table}, in database {m.routed.write}" for m in system.description.away()}
    absent = {m.label: f"{m.table}, which does not exist" for of, m in subject.absent if of is system}
    return dict(sorted((away | absent).items()))


def _system(subject: Subject, name: str) -> dict[str, Any]:
    system = next(s for s in subject.systems if s.side == name)
    settings = system.description.settings.model_dump(mode="json")
    # These fingerprints have a new key in each run, so two documents cannot be compared by them.
    secret = ("secret_key", "secret_key_fallbacks", "installed")
    return {
        "versions": system.description.versions,
        "search_path": list(system.search_path),
        "settings": {name: value for name, value in sorted(settings.items()) if name not in secret},
        "migrations": [".".join(m.key) for m in system.description.migrations],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "kind": KINDS[table.kind],
        "owner": table.owner,
        "grants": list(table.grants),
        "rows_about": about(table.rows),
        "bytes_about": about(table.bytes),
        "columns": {
            name: {
                "type": column.type,
                "null": column.null,
                "default": column.default,
                "identity": {"a": "always", "d": "by default"}.get(column.identity),
                "generated": bool(column.generated),
                "collation": column.collation,
            }
            for name, column in table.columns.items()
        },
        "constraints": {
            c.name: {
                "definition": c.definition,
                "validated": c.validated,
                "on_delete": ACTIONS.get(c.on_delete),
            }
            for c in table.constraints
        },
        "indexes": {i.name: {"definition": i.definition, "valid": i.valid} for i in table.indexes},
        "triggers": {t.name: {"definition": t.definition, "enabled": t.enabled} for t in table.triggers},
    }


def about(number: int) -> int | None:
    """Return a number rounded to one significant digit, so that it does not change with every row.

    Examples
    --------
    >>> about(43_210), about(7), about(-1)
    (40000, 7, None)
    """
    if number < 0:
        return None
    if number == 0:
        return 0
    unit: int = 10 ** math.floor(math.log10(number))
    return round(number / unit) * unit


def _model(mapped: Mapped) -> dict[str, Any]:
    model = mapped.model
    return {
        "path": model.path,
        "table": f"{mapped.table.schema}.{mapped.table.name}",
        "ordering": list(model.ordering),
        "permissions": [codename for codename, _ in model.permissions],
        "fields": {f.name: _field(f) for f in model.fields},
        "many_to_many": {m.name: {"table": m.table, "reverse": m.accessor} for m in model.many_to_many},
    }


def _field(field: Field) -> dict[str, Any]:
    relation = field.relation
    return {
        "column": field.column,
        "kind": field.kind,
        "max_length": field.max_length,
        "null": field.null,
        "blank": field.blank,
        "default": None if field.default.kind == "none" else str(field.default),
        "db_default": field.db_default,
        "choices": list(field.values()) or None,
        "unique": field.unique,
        "indexed": field.indexed,
        "validators": list(field.validators),
        "auto_now": field.auto_now,
        "auto_now_add": field.auto_now_add,
        "upload_to": field.upload_to and str(field.upload_to),
        "relation": relation
        and {"to": relation.to_table, "on_delete": relation.on_delete, "related_name": relation.accessor},
    }


def _mapping(subject: Subject) -> Iterator[dict[str, Any]]:
    for pair in subject.pairs:
        declared = subject.declared(pair.table)
        if declared:
            yield {
                "table": str(pair.table),
                "original": pair.original.path,
                "backend": pair.backend.path,
                "new_fields": _new(pair.original, pair.backend),
            }


def _new(original: Model, backend: Model) -> list[str]:
    return sorted(backend.by_column().keys() - original.by_column().keys())

"""One short text for the shape of a database: equal where every column, constraint, index and trigger is."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from handover.schema.catalog import Catalog, Table

# The journal of the move comes and goes; the systems do not use it.
OWN_SCHEMA = "handover"
LENGTH = 16


def fingerprint(catalog: Catalog) -> str:
    """Return the fingerprint of a database's shape.

    It leaves out owners, grants, sizes and rows, so a copy made by dump and restore has the same fingerprint.

    Parameters
    ----------
    catalog
        The live database, see :func:`handover.schema.catalog.read_catalog`.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    shapes = {f"{t.schema}.{t.name}": shape_of(t) for t in catalog.tables.values() if t.schema != OWN_SCHEMA}
    text = json.dumps(shapes, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def shape_of(table: Table) -> dict[str, Any]:
    """Return what a fingerprint covers of one table: kind, columns, constraints, indexes and triggers."""
    parts = (table.constraints, table.indexes, table.triggers)
    return {
        "kind": table.kind,
        "columns": {name: asdict(column) for name, column in table.columns.items()},
        "parts": [sorted((asdict(thing) for thing in part), key=lambda facts: str(facts["name"])) for part in parts],
    }

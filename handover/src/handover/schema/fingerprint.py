"""One short text for the shape of a database: equal where every column, constraint, index and trigger is."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from handover.schema.catalog import Catalog, Table

# The journal of the move comes and goes; it is not what the systems live on.
OWN_SCHEMA = "handover"
LENGTH = 16


def fingerprint(catalog: Catalog) -> str:
    """Return the fingerprint of a database's shape.

    Owners, grants, sizes and rows are no part of it, so a copy made by dump and restore has the fingerprint of its
    source.

    Parameters
    ----------
    catalog
        The live database, see :func:`handover.schema.catalog.read`.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    shapes = {f"{t.schema}.{t.name}": _shape(t) for t in catalog.tables.values() if t.schema != OWN_SCHEMA}
    text = json.dumps(shapes, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def _shape(table: Table) -> dict[str, Any]:
    parts = (table.constraints, table.indexes, table.triggers)
    return {
        "kind": table.kind,
        "columns": {name: asdict(column) for name, column in table.columns.items()},
        "parts": [sorted((asdict(thing) for thing in part), key=lambda facts: str(facts["name"])) for part in parts],
    }

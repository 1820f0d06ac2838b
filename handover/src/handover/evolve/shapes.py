"""The shape of each table before and after, so that what a rollback restores can be compared."""

import hashlib
import json
from collections.abc import Mapping, Sequence

from handover.config.config import Config, database_url
from handover.schema import catalog
from handover.schema.fingerprint import LENGTH, shape_of


def table_shapes(config: Config, tables: Sequence[str]) -> dict[str, str]:
    """Return a fingerprint of each table, by ``schema.name``; a table that is not there has none."""
    with catalog.snapshot(database_url(config)) as connection:
        found = catalog.read_catalog(connection).tables
    there = {name: found.get((name.split(".", 1)[0], name.split(".", 1)[1])) for name in tables}
    return {
        name: hashlib.sha256(json.dumps(shape_of(table), sort_keys=True).encode()).hexdigest()[:LENGTH]
        for name, table in there.items()
        if table is not None
    }


def changed_shapes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the tables whose shape is another than before, in the order of names."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))

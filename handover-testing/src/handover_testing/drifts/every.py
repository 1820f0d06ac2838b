"""All drifts: those that need no database to be named, and those of a live catalog."""

from collections.abc import Iterator

from handover.schema.catalog import Catalog, read_catalog, snapshot
from handover_testing.drifts import alike, catalog_drifts, declared, model_drifts, other_drifts, row_drifts
from handover_testing.drifts.drift import Drift
from handover_testing.drifts.stage import Stage
from sandbox.postgres import Server


def of_stage(stage: Stage, server: Server) -> Iterator[Drift]:
    """Yield every drift of a stage's shape."""
    of_models = (*model_drifts.drifts(), *alike.drifts(), *declared.drifts())
    for drift in (*of_models, *other_drifts.drifts(), *row_drifts.drifts()):
        if drift.shape == stage.shape.name:
            yield drift
    yield from catalog_drifts.drifts(stage.shape, read_clean(stage, server))


def read_clean(stage: Stage, server: Server) -> Catalog:
    """Return the catalog of the clean database."""
    name = f"{stage.database}_read"
    if name in server.databases():
        server.drop_database(name)
    server.create_database(name, template=stage.database)
    try:
        with snapshot(server.url("owner", name)) as connection:
            return read_catalog(connection)
    finally:
        server.drop_database(name)


def one_a_code(drifts: list[Drift]) -> list[Drift]:
    """Return, for each rule, the first drift that it must see."""
    chosen: dict[str, Drift] = {}
    for drift in drifts:
        chosen.setdefault(drift.code, drift)
    return list(chosen.values())

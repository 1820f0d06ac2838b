"""``handover doctor``: may the check look at everything, and if not, what is missing?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer
from psycopg import Connection
from rich.console import Console

from handover import config as configuration
from handover.check.rows import HISTORY, TYPES, readable, unreadable
from handover.check.systems import asking
from handover.cli.check import DEFAULT_CONFIG, ConfigOption
from handover.config import Config, database_url
from handover.errors import HandoverError
from handover.report.table import BAD, GOOD
from handover.schema import catalog as live

out = Console(highlight=False, markup=False, soft_wrap=True)


@dataclass(frozen=True)
class Symptom:
    """One thing that was tried; ``cure`` is empty when it went well."""

    what: str
    cure: str = ""


def doctor(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Say whether everything can be looked at, with the exact GRANT for what cannot."""
    pair = configuration.load(config)
    known: list[set[str]] = []
    symptoms = [*of_systems(pair, known), *of_database(pair, known)]
    for symptom in symptoms:
        out.print(f"{BAD if symptom.cure else GOOD} {symptom.what}")
        if symptom.cure:
            out.print("   " + symptom.cure.replace("\n", "\n   "))
    ill = sum(bool(symptom.cure) for symptom in symptoms)
    out.print(f"{ill} of {len(symptoms)} things are missing." if ill else "Everything can be looked at.")
    raise typer.Exit(1 if ill else 0)


def of_systems(pair: Config, known: list[set[str]]) -> Iterator[Symptom]:
    """Yield whether each system answers; add the tables that it knows."""
    with asking(pair) as answers:
        for name, answer in zip(("original", "backend"), answers, strict=True):
            try:
                asked = answer.result()
            except HandoverError as error:
                yield Symptom(f"the {name} does not answer", str(error))
                continue
            if asked.description is None:
                yield Symptom(f"the {name} does not start", str(asked.finding))
                continue
            known.append({model.table for model in asked.description.concrete()})
            versions = asked.description.versions
            counts = f"{len(asked.description.models)} models"
            yield Symptom(f"the {name} answers: Django {versions['django']}, Python {versions['python']}, {counts}")


def of_database(pair: Config, known: list[set[str]]) -> Iterator[Symptom]:
    """Yield whether the database can be reached, and what of it may not be read."""
    try:
        with live.snapshot(database_url(pair)) as connection:
            yield Symptom(f"the database answers: {connection.info.dbname}, as {connection.info.user}")
            closed = list(_closed_catalogs(connection))
            yield from closed or [Symptom(f"{len(live.READS)} catalogs may be read")]
            if not closed:
                yield from _of_tables(connection, live.read(connection), pair, known)
    except HandoverError as error:
        yield Symptom("the database does not answer", str(error))


def _closed_catalogs(connection: Connection[Any]) -> Iterator[Symptom]:
    query = "SELECT name FROM unnest(%s::text[]) name WHERE NOT has_table_privilege('pg_catalog.' || name, 'SELECT')"
    for (name,) in connection.execute(query, [list(live.READS)]).fetchall():
        cure = f'GRANT SELECT ON pg_catalog.{name} TO "{connection.info.user}";'
        yield Symptom(f"pg_catalog.{name} may not be read", cure)


def _of_tables(
    connection: Connection[Any], catalog: live.Catalog, pair: Config, known: list[set[str]]
) -> Iterator[Symptom]:
    mapped = {model.table for model in pair.models}
    shared = mapped.union(set.intersection(*known) if known else ())
    tables = [table for table in catalog.tables.values() if table.name in shared.union({HISTORY}, TYPES)]
    sequences = live.read_sequences(connection)
    of_keys = [s.relation for table in tables if table.name in shared for s in sequences[table.key]]
    for what, relations in (("tables", tables), ("sequences", of_keys)):
        closed = [relation for relation in relations if not readable(connection, relation)]
        yield Symptom(f"{len(relations) - len(closed)} {what} may be read")
        for relation in closed:
            yield Symptom(f"{relation} may not be read", unreadable(catalog, relation).todo)
    for name in sorted(mapped - {table.name for table in tables}):
        yield Symptom(f"{name} does not exist", "Is it the right database? Correct `table` in handover.toml.")

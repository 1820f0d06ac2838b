"""``handover doctor``: may the check look at everything, and if not, what is missing?"""

from collections.abc import Iterator
from dataclasses import dataclass

import typer
from rich.console import Console

from handover import config as configuration
from handover.check.rows import readable, unreadable
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
    symptoms = [*of_systems(pair), *of_database(pair)]
    for symptom in symptoms:
        out.print(f"{BAD if symptom.cure else GOOD} {symptom.what}")
        if symptom.cure:
            out.print("   " + symptom.cure.replace("\n", "\n   "))
    ill = sum(bool(symptom.cure) for symptom in symptoms)
    out.print(f"{ill} of {len(symptoms)} things are missing." if ill else "Everything can be looked at.")
    raise typer.Exit(1 if ill else 0)


def of_systems(pair: Config) -> Iterator[Symptom]:
    """Yield whether each system answers."""
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
            versions = asked.description.versions
            counts = f"{len(asked.description.models)} models"
            yield Symptom(f"the {name} answers: Django {versions['django']}, Python {versions['python']}, {counts}")


def of_database(pair: Config) -> Iterator[Symptom]:
    """Yield whether the database can be reached, and what of it may be read."""
    try:
        with live.snapshot(database_url(pair)) as connection:
            role = connection.info.user
            yield Symptom(f"the database answers: {connection.info.dbname}, as {role}")
            closed = [
                name
                for name in live.READS
                if connection.execute("SELECT has_table_privilege(%s, 'SELECT')", [f"pg_catalog.{name}"]).fetchone()
                != (True,)
            ]
            for name in closed:
                yield Symptom(f"pg_catalog.{name} may not be read", f'GRANT SELECT ON pg_catalog.{name} TO "{role}";')
            if closed:
                return
            yield Symptom(f"{len(live.READS)} catalogs may be read")
            catalog = live.read(connection)
            tables = [
                t for t in catalog.tables.values() if t.name in {p.table for p in pair.models} | {"django_migrations"}
            ]
            for table in tables:
                if readable(connection, table):
                    yield Symptom(f"{table} may be read")
                else:
                    yield Symptom(f"{table} may not be read", unreadable(catalog, table).todo)
            for name in sorted({p.table for p in pair.models} - {t.name for t in tables}):
                yield Symptom(f"{name} does not exist", "Is it the right database? Correct `table` in handover.toml.")
    except HandoverError as error:
        yield Symptom("the database does not answer", str(error))

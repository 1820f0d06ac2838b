"""``handover doctor``: can the check read everything, and if not, what is missing?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer
from psycopg import Connection

from handover.check.merging import by_cause, merged
from handover.check.systems import asking
from handover.check.table import BAD, GOOD
from handover.cli.console import out
from handover.cli.options import DEFAULT_CONFIG, ConfigOption
from handover.config.config import Config, database_url, load_config
from handover.cutover.plan import DNS
from handover.cutover.ways.load_balancer import BALANCERS
from handover.cutover.ways.sample import take_sample
from handover.errors import HandoverError
from handover.journal.journal import is_there
from handover.missing_right import membership
from handover.rules import RULES
from handover.schema.catalog import READS, read_catalog, read_roles, read_sequences, snapshot
from handover.schema.models import Description
from handover.schema.rows import HISTORY, TYPES, read_rows, readable, unreadable
from handover.schema.subject import DescribedSystem, Subject, search_path_of
from handover.side import Side
from handover.wording import identifier

# A model without a table, a model on another database.
TRIED = 8  # requests through the balancer
SET_OPTION_SINCE = 160000  # a membership may be without the right to act as the role
NOT_LOOKED_AT = ("HO010", "HO196")


@dataclass(frozen=True)
class Symptom:
    """One thing that was tried; ``cure`` is empty if it succeeded."""

    what: str
    cure: str = ""


def doctor(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Say whether the check can read everything, with the exact GRANT for what it cannot read."""
    pair = load_config(config)
    described: dict[Side, Description] = {}
    symptoms = [*of_systems(pair, described), *of_database(pair, described), *of_way(pair)]
    for symptom in symptoms:
        out.print(f"{BAD if symptom.cure else GOOD} {symptom.what}")
        if symptom.cure:
            out.print("   " + symptom.cure.replace("\n", "\n   "))
    ill = sum(bool(symptom.cure) for symptom in symptoms)
    out.print(f"{ill} of {len(symptoms)} things are missing." if ill else "Everything can be checked.")
    raise typer.Exit(1 if ill else 0)


def of_systems(pair: Config, described: dict[Side, Description]) -> Iterator[Symptom]:
    """Yield whether each system answers; add its description to ``described``."""
    names: tuple[Side, ...] = (Side.ORIGINAL, Side.BACKEND)
    with asking(pair) as answers:
        for name, answer in zip(names, answers, strict=True):
            try:
                asked = answer.result()
            except HandoverError as error:
                yield Symptom(f"the {name} does not answer", str(error))
                continue
            if asked.description is None:
                yield Symptom(f"the {name} does not start", str(asked.finding))
                continue
            described[name] = asked.description
            versions = asked.description.versions
            counts = f"{len(asked.description.models)} models"
            yield Symptom(f"the {name} answers: Django {versions['django']}, Python {versions['python']}, {counts}")


def of_database(pair: Config, described: dict[Side, Description]) -> Iterator[Symptom]:
    """Yield whether the database answers, and what in it may not be read."""
    try:
        with snapshot(database_url(pair)) as connection:
            yield Symptom(f"the database answers: {connection.info.dbname}, as {connection.info.user}")
            yield from _of_journal(connection, pair.journal.role)
            closed = list(_closed_catalogs(connection))
            yield from closed or [Symptom(f"{len(READS)} catalogs may be read")]
            if not closed:
                yield from _of_tables(connection, _subject(connection, pair, described))
    except HandoverError as error:
        yield Symptom("the database does not answer", str(error))


def of_way(pair: Config) -> Iterator[Symptom]:
    """Yield whether the declared balancers answer, and whether answers tell which system gave them."""
    if pair.switch.way == DNS:
        return
    balancer, told_by = BALANCERS[pair.switch.way](pair), pair.switch.told_by
    for one in balancer.held():
        name, wrong = one.balancer, one.backend_pct is None
        yield Symptom(f"{name} {'does not say what it holds' if wrong else 'answers'}", one.said if wrong else "")
    assert told_by is not None  # noqa: S101 - `SwitchSettings` asks for it
    found = take_sample(balancer.url, told_by, TRIED, timeout_s=pair.switch.timeout_s)
    cure = found.troubles[0] if found.troubles else ""
    yield Symptom(f"{balancer.url} {'does not tell' if cure else 'tells'} which system answers", cure)


def _subject(connection: Connection[Any], pair: Config, described: dict[Side, Description]) -> Subject:
    """Return the input of the check, so that both commands read the same."""
    catalog = read_catalog(connection)
    databases = [description.settings.database for description in described.values()]
    read_roles(connection, catalog, [name for d in databases for name in (d.role, d.acts_as)])
    sides = tuple(
        DescribedSystem(name, description, search_path_of(description, catalog))
        for name, description in described.items()
    )
    path = sides[0].search_path if sides else ("public",)
    rows, _ = read_rows(connection, catalog, path)
    return Subject(pair, catalog, sides, rows)


def _closed_catalogs(connection: Connection[Any]) -> Iterator[Symptom]:
    query = "SELECT name FROM unnest(%s::text[]) name WHERE NOT has_table_privilege('pg_catalog.' || name, 'SELECT')"
    for (name,) in connection.execute(query, [list(READS)]).fetchall():
        cure = f"GRANT SELECT ON pg_catalog.{name} TO {identifier(connection.info.user)};"
        yield Symptom(f"pg_catalog.{name} may not be read", cure)


def _of_journal(connection: Connection[Any], role: str) -> Iterator[Symptom]:
    """Yield whether the journal that is there may be read and written."""
    if not is_there(connection):
        return
    right = "SET" if connection.info.server_version >= SET_OPTION_SINCE else "MEMBER"
    row = connection.execute("SELECT pg_has_role(oid, %s) FROM pg_roles WHERE rolname = %s", [right, role]).fetchone()
    if row is None:
        wrong = "Correct `role` of [journal] in handover.toml: it is the owner of the schema handover."
        yield Symptom(f"the journal's role {role} does not exist", wrong)
    elif row[0]:
        yield Symptom(f"the journal may be read and written, as {role}")
    else:
        cure = f"{membership(role, of=connection.info.user)};"
        yield Symptom("the journal may not be read or written", cure)


def _of_tables(connection: Connection[Any], subject: Subject) -> Iterator[Symptom]:
    catalog, sequences = subject.catalog, read_sequences(connection)
    declared = {pair.table: subject.place_of(pair) for pair in subject.config.models}
    shared = subject.shared | {table.key for table in declared.values() if table}
    tables = [t for t in catalog.tables.values() if t.key in shared or t.name in (HISTORY, *TYPES)]
    of_keys = [sequence.relation for key in sorted(shared) for sequence in sequences[key]]
    for what, relations in (("tables", tables), ("sequences", of_keys)):
        closed = [relation for relation in relations if not readable(connection, relation)]
        yield Symptom(f"{len(relations) - len(closed)} {what} may be read")
        for finding in by_cause(unreadable(catalog, relation) for relation in closed):
            yield Symptom(f"{finding.where} {finding.said}", finding.todo)
    unseen = by_cause(merged(finding for code in NOT_LOOKED_AT for finding in RULES[code].findings(subject)))
    yield from (Symptom(f"{finding.where} {finding.said}", finding.todo) for finding in unseen)
    told = {name for finding in unseen for name in (finding.where, *finding.parts)}
    for name in sorted(name for name, table in declared.items() if table is None and name not in told):
        yield Symptom(f"{name} does not exist", "Is it the right database? Correct `table` in handover.toml.")

"""One check: ask both systems, read the database in one snapshot, apply every rule, take the census."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from psycopg import Connection

from handover.census.census import take_census
from handover.census.coverage import TableCoverage
from handover.check.merging import merged
from handover.check.systems import PendingAnswers, SystemAnswer
from handover.check.unmanaged import weighed
from handover.config.config import Config
from handover.errors import UnseenError
from handover.finding import Finding
from handover.probe.client import Probe
from handover.rules import RULES
from handover.schema.catalog import Catalog, read_catalog, read_roles, snapshot
from handover.schema.rows import read_rows
from handover.schema.shape_views import read_shape_views, show_shapes
from handover.schema.subject import DescribedSystem, Subject, search_path_of
from handover.schema.twins import expressions_of
from handover.side import Side
from handover.wording import counted


@dataclass(frozen=True)
class CheckResult:
    """What one check saw.

    Attributes
    ----------
    subject
        The facts.
    findings
        One for both systems, the worst first. The contract judges them; then those with one cause are shown as one.
    compared
        What the census counted, one entry a table.
    """

    subject: Subject
    findings: tuple[Finding, ...]
    compared: tuple[TableCoverage, ...]


@dataclass(frozen=True)
class GatheredFacts:
    """The facts of one check, while the snapshot and the dialogues with both systems are open."""

    connection: Connection[Any]
    subject: Subject
    probes: Mapping[Side, Probe]
    findings: tuple[Finding, ...]


@contextmanager
def gathered(config: Config, url: str, answers: PendingAnswers) -> Iterator[GatheredFacts]:
    """Read the catalog while both systems answer.

    Parameters
    ----------
    config
        The pair.
    url
        Database, as a role that may read the shared tables.
    answers
        The answers of both systems, which may still be under way.

    Raises
    ------
    UnseenError, ProbeError
        Something could not be looked at, so there is no verdict.
    """
    with snapshot(url) as connection:
        catalog, asked, systems = read_systems(connection, answers)
        _show_shapes(config, connection, catalog, systems)
        rows, unread = read_rows(connection, catalog, systems[0].search_path if systems else ("public",))
        probes = {a.name: a.probe for a in asked if a.description and a.probe}
        raised = (a.finding for a in asked if a.finding)
        expressions = expressions_of(connection, catalog, systems)
        subject = Subject(config, catalog, systems, rows, expressions=expressions)
        yield GatheredFacts(connection, subject, probes, (*raised, *unread))


def read_systems(
    connection: Connection[Any], answers: PendingAnswers
) -> tuple[Catalog, list[SystemAnswer], tuple[DescribedSystem, ...]]:
    """Return the catalog, every answer, and the systems that described themselves with their search paths.

    Parameters
    ----------
    connection
        In a read-only snapshot.
    answers
        The answers of the systems, which may still be under way.
    """
    catalog = read_catalog(connection)
    asked = [answer.result() for answer in answers]
    described = [a for a in asked if a.description]
    databases = [a.description.settings.database for a in described if a.description]
    read_roles(connection, catalog, [name for d in databases for name in (d.role, d.acts_as)])
    return catalog, asked, tuple(_system(a, catalog) for a in described)


def run_check(
    config: Config, url: str, answers: PendingAnswers, *, budget_s: float, say: Callable[[str], None]
) -> CheckResult:
    """Compare both systems, the catalog and the rows once.

    Parameters
    ----------
    config, url
        The pair, and the database it shares.
    answers
        Of both systems, which may still be starting: see :func:`handover.check.systems.asking`.
    budget_s
        How long the census may take, in seconds.
    say
        Receives a line of progress.

    Raises
    ------
    UnseenError, ProbeError
        Something could not be looked at, so there is no verdict.
    """
    with gathered(config, url, answers) as facts:
        subject = facts.subject
        if subject.both and not subject.shared:
            raise UnseenError(_nothing_shared(subject))
        findings = [*facts.findings, *(_advised(one, config) for one in apply_rules(subject))]
        compared: tuple[TableCoverage, ...] = ()
        if subject.both:
            say(f"taking the census of {counted(len(subject.shared), 'shared table')}")
            compared, met = take_census(facts.connection, subject, facts.probes, budget_s=budget_s, say=say)
            findings += met
    return CheckResult(subject, merged(weighed(subject, merged(findings))), compared)


def apply_rules(subject: Subject, *, adoption: bool = False) -> list[Finding]:
    """Return what the rules find; of an adoption, those rules that refuse one."""
    rules = [rule for rule in RULES.values() if rule.code.adoption or not adoption]
    return [finding for rule in rules for finding in rule.findings(subject)]


def _system(asked: SystemAnswer, catalog: Catalog) -> DescribedSystem:
    assert asked.description is not None  # noqa: S101 - the caller chose those that have one
    return DescribedSystem(asked.name, asked.description, search_path_of(asked.description, catalog))


def _show_shapes(
    config: Config, connection: Connection[Any], catalog: Catalog, systems: Sequence[DescribedSystem]
) -> None:
    """While an evolution is under way, compare with what the systems see of its tables.

    Raises
    ------
    UnseenError
        They see different shapes of a table, so their models cannot be compared.
    """
    views = read_shape_views(connection, (config.evolve.old_schema, config.evolve.new_schema))
    mixed = show_shapes(catalog, views, [system.search_path for system in systems])
    if mixed:
        names = ", ".join(".".join(key) for key in mixed)
        message = f"an evolution is under way, and the two systems expect different shapes of {names}."
        todo = "Compare when both expect the same, or when the evolution is contracted or rolled back: handover status"
        raise UnseenError(f"{message} Their models were not compared. {todo}")


def _advised(finding: Finding, config: Config) -> Finding:
    """Return a finding with other advice when its table is of an evolution: DDL would be in its way."""
    if not finding.where.startswith((f"{config.evolve.old_schema}.", f"{config.evolve.new_schema}.")):
        return finding
    todo = "An evolution changes this table: contract it or roll it back first, then check again. See: handover status"
    return replace(finding, todo=todo)


def _nothing_shared(subject: Subject) -> str:
    counts = [f"{len(subject.known[system.side])} tables of the {system.side}" for system in subject.systems]
    message = f"{' and '.join(counts)} were found in {subject.catalog.server['database']}, and none is shared."
    return f"{message} 0 tables compared. Is it the right database, and does it have the original's tables?"

"""Statements that clients of the old shape make, tried through its views before anything starts.

A view is not in every way like its table: it has no key, so grouping by the key alone fails. What fails is found here:
the views are made in a transaction that is rolled back, and PostgreSQL plans each known statement with them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, Error, errors, sql

from handover.config.config import Config
from handover.config.evolve import EvolveSettings
from handover.errors import Refused
from handover.evolve.paths import read_paths
from handover.evolve.session import open_session
from handover.evolve.starting import old_views_step
from handover.evolve.statement import EvolutionPlan
from handover.finding import Finding
from handover.troubles import database_trouble
from handover.wording import counted, one_line

FAILS = "HO673"
# From this version on a statement can be planned without the values that were taken out of it.
_GENERIC_PLAN = 160000
_EXTENSION = """
    SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
     WHERE e.extname = 'pg_stat_statements'
"""
_RECORDED = """
    SELECT DISTINCT r.rolname::text, s.queryid::text, s.query FROM {schema}.pg_stat_statements s
      JOIN pg_roles r ON r.oid = s.userid
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND r.rolname = ANY (%s)
     ORDER BY 1, 2
"""
_USABLE = """
    SELECT nspname::text FROM pg_namespace
     WHERE left(nspname, 3) <> 'pg_' AND nspname <> 'information_schema'
       AND has_schema_privilege(%s::name, oid, 'USAGE') ORDER BY 1
"""
# What PostgreSQL shows instead of a statement of another role.
_HIDDEN = "<insufficient privilege>"
_PLANNED = re.compile(r"\s*\(*\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE)\b", re.IGNORECASE)
_ON_TABLE = re.compile(r"\s*(TRUNCATE|COPY|LOCK)\b(?!\s*\()", re.IGNORECASE)
# Says nothing about the statement.
_BUSY = (errors.LockNotAvailable, errors.QueryCanceled)
_LIMITS = "SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = '10s'"


@dataclass(frozen=True)
class KnownStatement:
    """One statement: the role that makes it, what names it for people, and its text with ``$1`` for values."""

    role: str
    name: str
    text: str


@dataclass
class Trial:
    """What was tried: how many statements, why others could not be, and what fails."""

    tried: int = 0
    untried: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return what was looked at and what could not be, for people."""
        return [f"tried through the views: {counted(self.tried, 'statement')} of old clients", *self.untried]


def try_statements(config: Config, plan: EvolutionPlan) -> Trial:
    """Try every known statement of old clients through the views of the old shape; nothing is kept.

    Parameters
    ----------
    config, plan
        The pair, and the evolution's plan.
    """
    step = old_views_step(plan, config.evolve)
    trial = Trial()
    if step is None:
        return trial
    with open_session(config, autocommit=True) as connection:
        known = list(_known(connection, config.evolve, trial))
        if connection.info.server_version < _GENERIC_PLAN:
            trial.untried.append("PostgreSQL plans no statement without its values before version 16: none was tried")
            return trial
        bases = _bases(connection, config, plan)
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(_LIMITS)
                for statement in step.statements:
                    connection.execute(statement.sql.encode())
                for one in known:
                    try:
                        _try(connection, config.evolve, plan, one, bases.get(one.role, ()), trial)
                    except _BUSY as error:
                        trial.untried.append(f"statement {one.name} of {one.role}: {database_trouble(error)}")
        except Error as error:
            trial.untried.append(f"the views could not be made for a trial: {database_trouble(error)}")
    return trial


def require_statements(config: Config, plan: EvolutionPlan) -> list[str]:
    """Return what was looked at and what could not be.

    Parameters
    ----------
    config, plan
        As of :func:`try_statements`.

    Raises
    ------
    Refused
        A statement fails through the views, or gets round them.
    """
    trial = try_statements(config, plan)
    if trial.findings:
        summary = "statements of old clients would fail from the start on; nothing was changed."
        raise Refused(summary, tuple(trial.findings), code=FAILS)
    return trial.lines()


def _known(connection: Connection[Any], settings: EvolveSettings, trial: Trial) -> Iterator[KnownStatement]:
    """Yield the declared statements, then those that PostgreSQL has recorded, without the accepted ones."""
    roles = [*settings.old_roles, *settings.carrying_roles]
    for role in roles:
        for number, text in enumerate(settings.statements, 1):
            yield KnownStatement(role, f"number {number} of [evolve] statements", text)
    found = connection.execute(_EXTENSION).fetchone()
    if found is None:
        trial.untried.append(
            "pg_stat_statements is not in this database: the statements that the systems make are not known;"
            " what they group by the key alone would fail through the views"
        )
        return
    query = sql.SQL(_RECORDED).format(schema=sql.Identifier(found[0]))
    try:
        rows = connection.execute(query, [roles]).fetchall()
    except Error as error:
        trial.untried.append(f"pg_stat_statements cannot be read: {database_trouble(error)}")
        return
    hidden = [role for role, _, text in rows if text == _HIDDEN or text is None]
    if hidden:
        grant = f"GRANT pg_read_all_stats TO {connection.info.user}"
        names = ", ".join(sorted(set(hidden)))
        trial.untried.append(f"statements of {names} are recorded and may not be seen: {grant}")
    for role, number, text in rows:
        if text and text != _HIDDEN and number not in settings.accepted_statements:
            yield KnownStatement(role, number, text)


def _bases(connection: Connection[Any], config: Config, plan: EvolutionPlan) -> dict[str, Sequence[str]]:
    """Return for each role the search paths in which its statements may be meant; a system may set its own."""
    settings = config.evolve
    roles = [*settings.old_roles, *settings.carrying_roles]
    found: dict[str, Sequence[str]] = {}
    for one in read_paths(connection, roles, plan.schemas):
        usable = [str(name) for (name,) in connection.execute(_USABLE, [one.role]).fetchall()]
        behind = [name for name in (*plan.schemas, settings.shared_schema) if name in usable]
        schemas = dict.fromkeys((config.backend.schema_name, *(name for name in usable if name not in behind), *behind))
        every = sql.SQL(", ").join(map(sql.Identifier, schemas)).as_string()
        found[one.role] = (one.without(settings.old_schema), every)
    return found


def _try(
    connection: Connection[Any],
    settings: EvolveSettings,
    plan: EvolutionPlan,
    one: KnownStatement,
    bases: Iterable[str],
    trial: Trial,
) -> None:
    names = [table for table in plan.tables if _names(one.text, table.split(".", 1)[1])]
    if not names:
        return
    if _ON_TABLE.match(one.text):
        word = one.text.split(maxsplit=1)[0].upper()
        if word != "LOCK":
            trial.tried += 1
            trial.findings.append(_finding(one, f"{word} does not work on a view", "Let it use DELETE, or a query."))
        return
    if not _PLANNED.match(one.text):
        return
    base = next((path for path in bases if not _failure(connection, path, one.text)), None)
    if base is None:
        why = _failure(connection, next(iter(bases), settings.shared_schema), one.text)
        trial.untried.append(f"statement {one.name} of {one.role} cannot be planned at all: {why}")
        return
    trial.tried += 1
    if said := _failure(connection, f"{sql.Identifier(settings.old_schema).as_string()}, {base}", one.text):
        trial.findings.append(_finding(one, f"fails through the views: {said}", _advice(said)))
    for table in names:
        if _names_schema(one.text, table):
            told = f"names the schema of {table}, so it gets round the views"
            trial.findings.append(_finding(one, told, "Leave the schema out: the search path has it."))


def _failure(connection: Connection[Any], path: str, text: str) -> str:
    """Return the words of PostgreSQL when it cannot plan a statement with a search path; empty when it can.

    Raises one of ``_BUSY`` when that could not be seen.

    The savepoint gives every lock back.
    """
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"SET LOCAL search_path = {path}".encode())
            connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}".encode())
    except _BUSY:
        raise
    except Error as error:
        return str(error).splitlines()[0]
    return ""


def _advice(said: str) -> str:
    if "GROUP BY" in said:
        return (
            "Let it group by every selected column; in Django set `allows_group_by_selected_pks = False` on that"
            " system's database features."
        )
    return "Let that system make it in another way."


def _finding(one: KnownStatement, found: str, todo: str) -> Finding:
    accept = f" If it is not made any more: accepted_statements = ['{one.name}'] under [evolve]."
    return Finding(
        code=FAILS,
        where=f"statement {one.name} of {one.role}, {one_line(one.text)[:100]}",
        found=found,
        expected="from the start on, clients of the old shape work through views",
        todo=todo + ("" if one.name.startswith("number") else accept),
        severity="breaking",
        hurts="both",
    )


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text, re.IGNORECASE) is not None


def _names_schema(text: str, table: str) -> bool:
    schema, name = map(re.escape, table.split(".", 1))
    return re.search(rf'(?<![\w$]){schema}"?\s*\.\s*"?{name}(?![\w$])', text, re.IGNORECASE) is not None

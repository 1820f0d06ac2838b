"""Adopt the backend into the live database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

from psycopg import Connection, connect, sql

from handover.adoption.backend_agent import BackendAgent
from handover.adoption.final_check import require_adopted
from handover.adoption.history import Key, MigrationHistory
from handover.adoption.record import AdoptionRecord
from handover.adoption.run import run_transactions, told_of_waits
from handover.adoption.statements import (
    ADOPTION_TABLE,
    Additions,
    Incoming,
    Rendered,
    Situation,
    Transaction,
    adoption,
)
from handover.adoption.survey import Survey, survey
from handover.adoption.undo import undo_transaction
from handover.config.config import Config
from handover.errors import Refused
from handover.probe.client import Probe, probe
from handover.schema.deletes import deletable_names, keys
from handover.schema.models import Description, Migration, Model

State = Literal["none", "interrupted", "complete"]
_RESOLVES_TO = """
    SELECT name, (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass(quote_ident(name)))
      FROM unnest(%s::text[]) AS name
"""
_ELSEWHERE = """
    SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = %s AND c.relkind = 'r' AND pg_get_userbyid(n.nspowner) = %s AND n.nspname <> %s ORDER BY 1
"""


@dataclass(frozen=True)
class AskedBackend:
    """The backend's answer to ``describe``, and its interpreter, which renders its migrations as SQL."""

    description: Description
    probe: Probe

    def render(self, found: Survey) -> tuple[dict[Key, Rendered], Additions]:
        """Return each migration as SQL or as code, and the additions to shared tables."""
        history, shared = found.history, sorted({model.table for model in found.shared})
        told = self.probe.ask(
            "render",
            shared=shared,
            deletable=deletable_names(self.description, shared),
            migrations=[[*key, list(history.chosen[key])] for key in history.own],
            columns=_added_fields(found),
            joins=list(found.joins),
        )
        by_key = {m.key: m for m in self.description.migrations}
        rendered = {
            key: _rendered(by_key[key], one, history.chosen[key])
            for key, one in zip(history.own, told["migrations"], strict=True)
        }
        tables = {model.label: model.table for model in self.description.concrete()}
        named = {part: tuple((tables[label], tuple(sql)) for label, sql in told[part]) for part in ("columns", "joins")}
        return rendered, Additions(**named, own=_pointed_at(found))


def _rendered(migration: Migration, told: dict[str, Any], chosen: tuple[int, ...]) -> Rendered:
    others = [op for number, op in enumerate(migration.operations) if number not in chosen and not op.nothing]
    code = tuple((name, why) for name, why in told["code"])
    return Rendered(migration.file, tuple(told["sql"]), code, alone=not others)


def _added_fields(found: Survey) -> list[tuple[str, list[str]]]:
    wanted, fields = set(found.columns), []
    for model in sorted(found.shared, key=lambda m: not m.managed):
        names = [field.name for field in model.fields if (model.table, field.column) in wanted]
        wanted -= {(model.table, field.column) for field in model.fields}
        if names:
            fields.append((model.label, names))
    return fields


def _pointed_at(found: Survey) -> tuple[str, ...]:
    """Return the backend's own tables that new columns of shared tables point at."""
    shared = {model.table for model in found.shared}
    targets = {
        field.references[0]
        for model in found.shared
        for field in model.fields
        if (model.table, field.column) in found.columns and field.references
    }
    return tuple(sorted(targets - shared))


@contextmanager
def asking_backend(config: Config) -> Iterator[AskedBackend]:
    """Let the backend describe itself in its own interpreter; this connects to no database."""
    with probe("the backend", config.backend, config.root) as backend:
        yield AskedBackend(Description.of("the backend", backend.ask("describe")), backend)


def adoption_state(url: str, config: Config) -> State:
    """Return whether the database has no adoption of the backend, an interrupted one, or a complete one."""
    with connect(url) as connection:
        if not _is_recorded(connection, config):
            return "none"
        query = sql.SQL("SELECT completed IS NULL FROM {}")
        row = connection.execute(query.format(sql.Identifier(config.backend.schema_name, ADOPTION_TABLE))).fetchone()
    return "interrupted" if row and row[0] else "complete"


def _is_recorded(connection: Connection[Any], config: Config) -> bool:
    names = [config.backend.schema_name, ADOPTION_TABLE]
    row = connection.execute("SELECT to_regclass(format('%%I.%%I', %s::text, %s::text))", names).fetchone()
    return row is not None and row[0] is not None


def adopted_elsewhere(connection: Connection[Any], config: Config) -> str:
    """Return another schema with which the backend's role is adopted; empty when there is none."""
    found = connection.execute(_ELSEWHERE, [ADOPTION_TABLE, config.backend.role, config.backend.schema_name]).fetchone()
    return found[0] if found else ""


@dataclass(frozen=True)
class AdoptionPlan:
    """What an adoption does, and what it leaves out.

    Attributes
    ----------
    transactions
        In order; the last one only marks the adoption as complete.
    history
        What is done with each migration.
    shared
        Names of the shared tables.
    notes
        What a reviewer should know besides the statements.
    """

    transactions: tuple[Transaction, ...]
    history: MigrationHistory
    shared: tuple[str, ...]
    notes: tuple[str, ...] = ()


def plan_adoption(
    connection: Connection[Any], config: Config, asked: AskedBackend, verifier: str | None
) -> AdoptionPlan:
    """Return the transactions of an adoption.

    Parameters
    ----------
    connection
        As the owner of the shared tables.
    config, asked
        The pair, and what the backend said.
    verifier
        SCRAM verifier for a new role; None leaves the password to the DBA.

    Raises
    ------
    Refused
        The schema does not match, a right is missing, or the role is adopted with another schema.
    """
    if elsewhere := adopted_elsewhere(connection, config):
        role, schema = config.backend.role, config.backend.schema_name
        message = f"{role} is adopted already, with the schema {elsewhere}; [backend] schema is {schema}."
        todo = "Correct handover.toml; or take that adoption out first, with its schema there: handover adopt --undo"
        raise Refused(f"{message} Nothing was changed. {todo}", code="HO031")
    found = survey(connection, config, asked.description)
    if found.findings:
        summary = f"{found.facts['database']} cannot be adopted as it is; nothing was changed."
        if found.unasked:
            summary += f" The original could not be asked whether it tolerates this already: {found.unasked}"
        raise Refused(summary, found.findings)
    rendered, additions = asked.render(found)
    shared = {model.table for model in found.shared}
    typed = [m for m in asked.description.models if m.made_for is None and _type_of(m) not in found.known_types]
    incoming = Incoming(
        role=config.backend.role,
        schema=config.backend.schema_name,
        shared=found.shared,
        referenced=_referenced(config, asked.description, shared),
        models=tuple(typed) if "django_content_type" in shared else (),
        history=found.history,
        rendered=rendered,
        additions=additions,
        replaces={m.key: m.replaces for m in asked.description.migrations if m.replaces},
        sequences=found.sequences,
    )
    situation = Situation(
        role_exists=found.facts["role_exists"],
        is_member=found.facts["is_member"],
        has_usage=found.facts["has_usage"],
        verifier=verifier,
        owner=found.facts["owner"],
    )
    transactions = adoption(incoming, situation, asdict(_record(found)))
    return AdoptionPlan(transactions, found.history, tuple(sorted(shared)), tuple(_notes(asked.description, found)))


def _type_of(model: Model) -> tuple[str, str]:
    return (model.app_label, model.model_name)


def _referenced(config: Config, description: Description, shared: set[str]) -> tuple[str, ...]:
    """Return the shared tables that the backend's own tables point at, or will point at."""
    named = {pair.table for pair in config.models}
    fields = (field for model in description.concrete() if model.table not in shared for field in model.fields)
    return tuple(sorted(named | ({f.references[0] for f in fields if f.references} & shared)))


def _notes(description: Description, found: Survey) -> Iterator[str]:
    """Yield what a reviewer should know about the plan and does not see in a title."""
    shared = {model.table for model in found.shared}
    for model, field, cure in keys(description, shared):
        if field.references and cure:
            target = field.references[0]
            yield (
                f"{model.table}.{field.column} gets ON DELETE {cure}: without it the original's deletes in {target}"
                f" would fail, because it does not know {model.label}"
            )
    yield from (f"not run again: {line}" for line in found.history.skipped)
    yield from (f"tolerated by the original already: {one.code} {one.where} {one.said}" for one in found.tolerated)
    yield from (f"left for manage.py migrate, afterwards: {'.'.join(key)}" for key in found.history.later)


def _record(found: Survey) -> AdoptionRecord:
    return AdoptionRecord(
        role_created=not found.facts["role_exists"],
        membership_granted=not found.facts["is_member"],
        usage_granted=not found.facts["has_usage"],
        role_settings=found.facts["role_settings"],
        shared=sorted(model.table for model in found.shared),
        columns=list(found.columns),
        held=list(found.held),
        content_types=list(found.content_types),
        permissions=list(found.permissions),
        rights=list(found.rights),
    )


def adopt_backend(
    url: str, config: Config, asked: AskedBackend, password: str | None, *, attempts: int, say: Callable[[str], None]
) -> AdoptionPlan:
    """Adopt the backend and return what was done. After an error everything is undone, then the error is raised.

    Parameters
    ----------
    url
        Database, as the owner of the shared tables.
    config, asked
        The pair, and what the backend said.
    password
        For a new role; the server only gets a SCRAM verifier of it.
    attempts
        How often to try to get the locks of one transaction.
    say
        Receives one line a step.
    """
    with connect(url) as connection, told_of_waits(url, connection, say):
        planned = plan_adoption(connection, config, asked, scram_verifier(connection, config.backend.role, password))
    *work, complete = planned.transactions
    try:
        with ExitStack() as stack:
            agent = BackendAgent(url, config, asked.description, planned.shared, stack)
            resolves = partial(check_resolution, config=config)
            run_transactions(url, tuple(work), verify=resolves, attempts=attempts, say=say, agent=agent)
            say("Checking the result through the backend's own models, as its role")
            require_adopted(url, config, asked.description, agent.report(), planned.history)
        run_transactions(url, (complete,), verify=lambda _: None, attempts=attempts, say=say)
    except BaseException:
        if adoption_state(url, config) == "interrupted":
            say("That failed; undoing what was done so far.")
            undo_adoption(url, config, attempts=attempts, say=say)
            say("Everything was undone.")
        raise
    return planned


def undo_adoption(url: str, config: Config, *, attempts: int, say: Callable[[str], None]) -> None:
    """Undo a complete or interrupted adoption in one transaction; after an error the database is as it was.

    Parameters
    ----------
    url
        Database, as the owner of the shared tables.
    config
        The pair.
    attempts
        How often to try to get the locks.
    say
        Receives one line a step.
    """
    with connect(url) as connection:
        transaction = undo_transaction(connection, config, read_record(connection, config))
    run_transactions(url, (transaction,), verify=lambda _: None, attempts=attempts, say=say)


def scram_verifier(connection: Connection[Any], role: str, password: str | None) -> str | None:
    """Return the SCRAM verifier of a password, so that the password itself is in no statement and in no log.

    Parameters
    ----------
    connection
        Knows the encoding.
    role, password
        The role gets this password; None gives None.
    """
    if password is None:
        return None
    return connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()


def check_resolution(connection: Connection[Any], config: Config) -> None:
    """Raise unless the role, when it connects, will find its own history and the shared tables."""
    role, schema = config.backend.role, config.backend.schema_name
    path = sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(schema))
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    connection.execute(path)
    expected = {"django_migrations": schema} | {pair.table: "public" for pair in config.models}
    actual = dict(connection.execute(_RESOLVES_TO, [list(expected)]).fetchall())
    wrong = [
        f"{name} resolves to {actual[name]}, expected {expected[name]}"
        for name in expected
        if actual[name] != expected[name]
    ]
    if wrong:
        message = f"after adoption {role} would not find its tables: {'; '.join(wrong)}. Rolled back."
        raise Refused(f"{message} Remove the other table of that name.", code="HO029")
    connection.execute("RESET ROLE")


def read_record(connection: Connection[Any], config: Config) -> AdoptionRecord:
    """Return the record that the adoption wrote.

    Raises
    ------
    Refused
        No adoption is recorded.
    """
    if not _is_recorded(connection, config):
        where = f"{config.backend.schema_name}.{ADOPTION_TABLE}"
        message = (
            f"{connection.info.dbname} has no {where}: no adoption is recorded there, so there is nothing to undo."
        )
        if elsewhere := adopted_elsewhere(connection, config):
            todo = f"{config.backend.role} is adopted with the schema {elsewhere}: name that in [backend] schema."
        else:
            todo = "Is it the right database?"
        raise Refused(f"{message} {todo}", code="HO030")
    table = sql.Identifier(config.backend.schema_name, ADOPTION_TABLE)
    record = connection.execute(sql.SQL("SELECT record FROM {}").format(table)).fetchone()
    assert record is not None  # noqa: S101 - written in the same transaction as the table
    return AdoptionRecord(**record[0])

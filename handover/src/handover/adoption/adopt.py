"""Take the incoming system into the live database."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from psycopg import Connection, connect, sql

from handover.adoption import undo as undoing
from handover.adoption.record import Record
from handover.adoption.run import execute
from handover.adoption.statements import ADOPTION_TABLE, Incoming, Situation, Transaction, adoption
from handover.adoption.survey import Survey, survey
from handover.config import Config
from handover.errors import Refused
from handover.probe.client import probe
from handover.schema.models import Description

State = Literal["none", "interrupted", "complete"]
_RESOLVES_TO = """
    SELECT name, (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass(quote_ident(name)))
      FROM unnest(%s::text[]) AS name
"""


@dataclass(frozen=True)
class Asked:
    """What the incoming system said: its models, and the SQL of the migrations that have to run."""

    description: Description
    rendered: dict[tuple[str, str], tuple[str, ...]]


def ask(config: Config) -> Asked:
    """Let the incoming system describe itself in its own interpreter; connects to no database."""
    with probe("the backend", config.backend, config.root) as backend:
        description = Description.of("the backend", backend.ask("describe"))
        own = [m for m in description.migrations if not m.module.startswith("django.contrib.")]
        renderable = [m.key for m in own if all(op.sql for op in m.operations)]
        texts = backend.ask("render", migrations=renderable)["sql"]
    return Asked(description, {key: tuple(lines) for key, lines in zip(renderable, texts, strict=True)})


def state(url: str, config: Config) -> State:
    """Return how far an adoption of this system has come in the database."""
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


def plan(connection: Connection[Any], config: Config, asked: Asked, verifier: str | None) -> tuple[Transaction, ...]:
    """Return the transactions of an adoption.

    Raises
    ------
    Refused
        The schema does not match, or a right is missing.
    """
    found = survey(connection, config, asked.description)
    if found.findings:
        summary = f"{found.facts['database']} cannot be adopted as it is; nothing was changed."
        raise Refused(summary, found.findings)
    shared = {model.table for model in found.shared}
    own = [m for m in asked.description.models if m.table not in shared and m.made_for is None]
    incoming = Incoming(
        role=config.backend.role,
        schema=config.backend.schema_name,
        shared=found.shared,
        referenced=tuple(pair.table for pair in config.models),
        models=tuple(own) if "django_content_type" in shared else (),
        history=found.history,
        rendered=asked.rendered,
    )
    situation = Situation(
        role_exists=found.facts["role_exists"],
        is_member=found.facts["is_member"],
        has_usage=found.facts["has_usage"],
        verifier=verifier,
    )
    return adoption(incoming, situation, asdict(_record(found)))


def _record(found: Survey) -> Record:
    return Record(
        role_created=not found.facts["role_exists"],
        membership_granted=not found.facts["is_member"],
        usage_granted=not found.facts["has_usage"],
        role_settings=found.facts["role_settings"],
        shared=sorted(model.table for model in found.shared),
        columns=list(found.columns),
        held=list(found.held),
        content_types=list(found.content_types),
        permissions=list(found.permissions),
    )


def adopt(
    url: str, config: Config, asked: Asked, password: str | None, *, attempts: int, say: Callable[[str], None]
) -> None:
    """Adopt; an error on the way is reported after everything was taken back.

    Parameters
    ----------
    url
        Database, as the owner of the shared tables.
    config, asked
        The pair, and what the incoming system said.
    password
        For the role, should it have to be made; only a SCRAM verifier of it goes to the server.
    attempts
        How often to try for the locks of one transaction.
    say
        Receives one line a step.
    """
    with connect(url) as connection:
        transactions = plan(connection, config, asked, scram_verifier(connection, config.backend.role, password))
    try:
        execute(url, transactions, verify=lambda c: check_resolution(c, config), attempts=attempts, say=say)
    except BaseException:
        if state(url, config) == "interrupted":
            say("That did not work; taking back what was done so far.")
            undo(url, config, attempts=attempts, say=say)
        raise


def undo(url: str, config: Config, *, attempts: int, say: Callable[[str], None]) -> None:
    """Undo an adoption, whole or interrupted, in one transaction; on any error the database is as it was."""
    with connect(url) as connection:
        transaction = undoing.plan(connection, config, read_record(connection, config))
    execute(url, (transaction,), verify=lambda _: None, attempts=attempts, say=say)


def scram_verifier(connection: Connection[Any], role: str, password: str | None) -> str | None:
    """Return what the server keeps of a password, so that the password itself is in no statement and no log."""
    if password is None:
        return None
    return connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()


def check_resolution(connection: Connection[Any], config: Config) -> None:
    """Raise unless the role finds its own history and everybody's tables, as it will when it connects."""
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
        raise Refused(f"{message} Remove the table that stands in the way.", code="HO029")
    connection.execute("RESET ROLE")


def read_record(connection: Connection[Any], config: Config) -> Record:
    """Return what the adoption wrote down.

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
        raise Refused(f"{message} Is it the right database?", code="HO030")
    table = sql.Identifier(config.backend.schema_name, ADOPTION_TABLE)
    record = connection.execute(sql.SQL("SELECT record FROM {}").format(table)).fetchone()
    assert record is not None  # noqa: S101 - written in the same transaction as the table
    return Record(**record[0])

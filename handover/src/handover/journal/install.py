"""Make the journal's role, schema and tables, and remove them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql

from handover.config.config import Config, database_url
from handover.errors import Refused
from handover.journal.belonging import of_another_database
from handover.journal.copy import HEAD, PLACE, JournalCopy
from handover.journal.journal import SCHEMA, is_there, opened
from handover.missing_right import AS_ADMINISTRATOR, attribute, membership, remedied
from handover.wording import identifier

# Every .sql file of these makes tables of the journal and may be executed again.
FOLDERS = ("handover.journal", "handover.parallel", "handover.evolve")


@dataclass(frozen=True)
class InstallStep:
    """A statement, what it is for, and what gives the right to it."""

    title: str
    statement: sql.Composed | bytes
    remedy: str = ""


def install_steps(connection: Connection[Any], config: Config) -> list[InstallStep]:
    """Return what has to be executed; tables that are there stay as they are."""
    role = sql.Identifier(config.journal.role)
    steps, user = [], connection.info.user
    acts = membership(config.journal.role, of=user)
    if not role_exists(connection, config.journal.role):
        title = f"make the role {config.journal.role}, which cannot log in"
        steps.append(InstallStep(title, sql.SQL("CREATE ROLE {}").format(role), attribute("CREATEROLE", of=user)))
        steps.append(
            InstallStep(
                f"let {user} act as {config.journal.role}",
                sql.SQL("GRANT {} TO CURRENT_USER").format(role),
                acts,
            ),
        )
    if not is_there(connection):
        statement = sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(sql.Identifier(SCHEMA), role)
        steps.append(InstallStep(f"make the schema {SCHEMA}", statement, _may_create(connection) or acts))
    steps.append(InstallStep(f"act as {config.journal.role}", sql.SQL("SET LOCAL ROLE {}").format(role), acts))
    return steps + [InstallStep(f"make the tables of {name}", text) for name, text in table_files()]


def _may_create(connection: Connection[Any]) -> str:
    """Return what lets the role make a schema; empty if it may."""
    row = connection.execute("SELECT has_database_privilege(current_database(), 'CREATE')").fetchone()
    if row == (True,):
        return ""
    name, user = identifier(connection.info.dbname), identifier(connection.info.user)
    return f"{AS_ADMINISTRATOR}GRANT CREATE ON DATABASE {name} TO {user}"


def table_files() -> list[tuple[str, bytes]]:
    """Return the name and the text of every file that makes tables."""
    folders = [files(name) for name in FOLDERS if find_spec(name)]
    paths = [path for folder in folders for path in folder.iterdir() if path.name.endswith(".sql")]
    return sorted((path.name, path.read_bytes()) for path in paths)


def role_exists(connection: Connection[Any], role: str) -> bool:
    """Say whether the cluster has a role."""
    return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount > 0


def must_be_as_written(connection: Connection[Any], config: Config) -> None:
    """Read the journal that is there, or its copy alone, before anything is made.

    Raises
    ------
    JournalError, JournalCopyError
        One of them was changed by hand.
    FolderKeyError
        The key that signed the copy is missing.
    Refused
        The copy is of another journal: its entries would be taken for what happened here.
    """
    if is_there(connection):
        with opened(config) as journal:
            journal.entries()
        return
    copy = JournalCopy(config.root)
    if copy.entries():
        raise of_another_database(copy, connection.info.dbname)


def install(config: Config) -> None:
    """Make it; all or nothing. A journal that is there gets the tables that it lacks."""
    with psycopg.connect(database_url(config)) as connection:
        made_role = not role_exists(connection, config.journal.role)
        fresh = not is_there(connection)
        for step in install_steps(connection, config):
            with remedied(step.remedy):
                connection.execute(step.statement)
    if fresh:
        with opened(config) as journal:
            journal.add("init", {"role": config.journal.role, "role_made": made_role, "state": "preparing"})


def uninstall(config: Config) -> list[str]:
    """Remove schema and role, put the copy aside; return what was done, a line each.

    Raises
    ------
    Refused
        The database has no journal.
    """
    done = []
    with psycopg.connect(database_url(config)) as connection:
        if not is_there(connection):
            raise Refused(f"{connection.info.dbname} has no journal; nothing was changed.", code="HO502")
        query = "SELECT body FROM handover.journal WHERE kind = 'init' ORDER BY seq"
        with remedied(membership(config.journal.role, of=connection.info.user)):
            record = connection.execute(query).fetchone()
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(SCHEMA)))
        done.append(f"the schema {SCHEMA} is gone")
        if record and record[0].get("role_made"):
            done.append(_drop_role(connection, config.journal.role))
    return done + put_copy_aside(config.root)


def _drop_role(connection: Connection[Any], role: str) -> str:
    user = connection.info.user
    remedy = f"{attribute('CREATEROLE', of=user)}; GRANT {identifier(role)} TO {identifier(user)} WITH ADMIN OPTION"
    try:
        with remedied(remedy), connection.transaction():
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    except psycopg.errors.DependentObjectsStillExist:
        return f"the role {role} stays: another database of this server uses it"
    return f"the role {role} is gone"


def put_copy_aside(root: Path) -> list[str]:
    """Put the copy of this machine aside, so that a new one begins; return where it is kept, a line or none."""
    path = root / PLACE
    if not path.exists():
        return []
    # The journal must not catch up from this copy.
    aside = path.with_name(f"{path.stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl")
    path.rename(aside)
    path.with_name(HEAD).unlink(missing_ok=True)
    return [f"the copy is kept as {aside.relative_to(root)}"]

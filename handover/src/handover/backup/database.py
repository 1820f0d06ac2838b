"""The database of a backup: one snapshot for the dump, its structure, its roles, and what it holds."""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import psycopg
from psycopg import Connection, IsolationLevel, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from handover.backup.content import Content, content, sequences
from handover.backup.manifest import DUMP, ROLES, STRUCTURE
from handover.backup.programs import BackupError, run
from handover.backup.roles import read_roles_needed
from handover.config.config import Config, database_url
from handover.config.storage import NamedBy
from handover.journal.journal import SCHEMA
from handover.missing_right import attribute, remedied
from handover.private_files import write_private
from handover.schema.extensions import left_out, refused_extensions, without_extensions
from handover.troubles import database_trouble

# A dump may take hours, and its snapshot waits idle for that time.
_PATIENCE = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout")
_PLACE = """
SELECT current_database(), current_setting('server_version_num')::int, pg_encoding_to_char(encoding), datcollate,
       datctype, now() FROM pg_database WHERE datname = current_database()
"""
_TABLE = """
SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE c.oid = coalesce(to_regclass(quote_ident(%s) || '.' || quote_ident(%s)), to_regclass(quote_ident(%s)))
"""
# A copy must not subscribe to what the running database subscribes to.
WITHOUT = ("--no-publications", "--no-subscriptions")


@dataclass(frozen=True)
class DumpedDatabase:
    """What was dumped.

    Attributes
    ----------
    content
        What the snapshot holds.
    named
        Every text of the snapshot's rows that names a file.
    place
        Name, version, encoding and locale, and the time of the snapshot.
    """

    content: Content
    named: tuple[str, ...]
    place: dict[str, Any]


def dump(config: Config, folder: Path, columns: Iterable[tuple[str, str]]) -> DumpedDatabase:
    """Dump the database and read what it holds, both in one snapshot; the journal is left out, it has its copy.

    Parameters
    ----------
    config
        The pair.
    folder
        Where the dump goes, with its structure and its roles.
    columns
        Table and column of the file fields, besides those that ``handover.toml`` declares.
    """
    url = database_url(config)
    with psycopg.connect(url) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        place = {**_begin(connection), "pg_dump": dump_version(config)}
        (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        before = sequences(connection)
        options = (f"--snapshot={snapshot}", f"--exclude-schema={SCHEMA}")
        write_private(folder / DUMP, b"")  # pg_dump keeps the rights of a file that is there
        run(config, "pg_dump", url, "--format=custom", *options, f"--file={folder / DUMP}")
        write_private(folder / STRUCTURE, structure(config, url, *options))
        roles = read_roles_needed(connection, config)
        write_private(folder / ROLES, json.dumps(roles, indent=1, sort_keys=True) + "\n")
        named = sorted(set(_named(connection, config, columns)))
        found = content(connection)
        return DumpedDatabase(replace(found, sequences=before, moved_to=sequences(connection)), tuple(named), place)


def _begin(connection: Connection[Any]) -> dict[str, Any]:
    known = {name for (name,) in connection.execute("SELECT name FROM pg_settings").fetchall()}
    for name in _PATIENCE:
        if name in known:
            connection.execute(sql.SQL("SET LOCAL {} = 0").format(sql.Identifier(name)))
    row = connection.execute(_PLACE).fetchone()
    assert row is not None  # noqa: S101 - we are connected to it
    name, version, encoding, collate, ctype, at = row
    locale = {"encoding": encoding, "collate": collate, "ctype": ctype}
    return {"database": name, "server_version": version, **locale, "at": at.isoformat()}


def dump_version(config: Config) -> str:
    """Return the version of the program that dumps."""
    return run(config, "pg_dump", "", "--version").strip()


def structure(config: Config, url: str, *options: str) -> str:
    """Return the structure of a database, owners and rights included, without what differs from run to run."""
    said = run(config, "pg_dump", url, "--schema-only", *WITHOUT, *options)
    lines = (line for line in said.splitlines() if line and not line.startswith(("--", "\\restrict", "\\unrestrict")))
    return "\n".join([*lines, ""])


def structure_differing(there: str, copy: str) -> list[str]:
    """Return the lines that only one of two structures has; rights may stand in another order."""
    ours, theirs = Counter(there.splitlines()), Counter(copy.splitlines())
    only = [f"structure: only here: {line}" for line in sorted((ours - theirs).elements())]
    return only + [f"structure: only in the copy: {line}" for line in sorted((theirs - ours).elements())]


def _named(connection: Connection[Any], config: Config, columns: Iterable[tuple[str, str]]) -> Iterator[str]:
    declared = config.storage.named_by if config.storage else ()
    for one in (*(NamedBy(table=table, column=column) for table, column in columns), *declared):
        row = connection.execute(_TABLE, [config.backend.schema_name, one.table, one.table]).fetchone()
        if row is None:
            continue  # a model without a table
        value = sql.Identifier(one.column)
        part = sql.SQL("{}::jsonb ->> {}").format(value, sql.Literal(one.key))
        text = part if one.key else sql.SQL("{}::text").format(value)
        query = sql.SQL("SELECT DISTINCT {} FROM {}").format(text, sql.Identifier(*row))
        yield from (str(found) for (found,) in connection.execute(query).fetchall() if found)


def restored_for_trial(config: Config, path: Path, server_url: str, *, say: Callable[[str], None]) -> Content:
    """Restore a dump into a new database, and read its content; the database is dropped afterwards.

    Parameters
    ----------
    config
        The pair.
    path
        The dump.
    server_url
        A server, as a role that may create databases.
    say
        Receives a line for each extension that this role may not create; the trial goes without it.
    """
    with ExitStack() as stack:
        url = stack.enter_context(_empty_database(server_url, config.backup.restore_url_env))
        options = ["--no-owner", "--no-privileges"]
        with psycopg.connect(database_url(config)) as source:
            refused = refused_extensions(source, url)
        if refused:
            for line in left_out(refused):
                say(line)
            kept = stack.enter_context(NamedTemporaryFile("w"))
            kept.write(without_extensions(run(config, "pg_restore", "", "--list", str(path)), refused))
            kept.flush()
            options.append(f"--use-list={kept.name}")
        restore_dump(config, path, url, *options)
        with psycopg.connect(url) as connection:
            return content(connection)


def restore_dump(config: Config, path: Path, url: str, *options: str) -> None:
    """Restore a dump into an empty database, all of it or nothing.

    Parameters
    ----------
    config
        The pair.
    path
        The dump.
    url
        The database.
    *options
        More options of ``pg_restore``.
    """
    name = str(conninfo_to_dict(url)["dbname"])
    run(
        config,
        "pg_restore",
        url,
        "--exit-on-error",
        "--single-transaction",
        *WITHOUT,
        *options,
        f"--dbname={name}",
        str(path),
    )


@contextmanager
def _empty_database(server_url: str, variable: str) -> Iterator[str]:
    name = f"handover_restore_{secrets.token_hex(4)}"
    try:
        with psycopg.connect(server_url, autocommit=True) as connection:
            with remedied(attribute("CREATEDB", of=connection.info.user)):
                connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            try:
                yield make_conninfo(server_url, dbname=name)
            finally:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise BackupError(f"no empty database to restore into: {database_trouble(error, variable)}") from error

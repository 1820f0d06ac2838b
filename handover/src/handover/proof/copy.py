"""A throw-away copy of a database, by dump and restore: a live database cannot serve as a template."""

import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from tenacity import retry, retry_if_exception_type, stop_after_delay

from handover.config.config import Config, from_environment
from handover.errors import ConfigurationError, HandoverError
from handover.schema.extensions import left_out, refused_extensions, without_extensions
from handover.schema.owners import granted, read_owners
from handover.schema.programs import NO_TLS, WITH_TLS, connecting_environment, program_path

PREFIX = "handover_prove_"
LEFT_WITHIN_S = 60.0
PART = 1024 * 1024
SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Not restored: comments of extensions, which belong to a superuser, and publications; a copy has no subscribers.
RESTORE = ("--exit-on-error", "--no-comments", "--no-publications", "--no-subscriptions")


class DatabaseCopyError(HandoverError):
    """The database could not be copied; nothing of the copy is left."""

    code = "HO421"


@contextmanager
def copied(config: Config, url: str, say: Callable[[str], None]) -> Iterator[str]:
    """Give the URL of a copy of a database, with its grants and owners; it is always dropped at the end.

    Parameters
    ----------
    config
        The pair; ``[prove]`` says which programs and which server.
    url
        The database, as the role that owns the shared tables. It is only read.
    say
        Receives a line of progress.

    Raises
    ------
    DatabaseCopyError
        A program is missing or too old, or the role may not create databases.
    """
    programs = {name: program_path(config, name) for name in ("pg_dump", "pg_restore")}
    variable = config.prove.server_url_env
    server = from_environment(variable, "the URL of the server that copies are made on") if variable else url
    name = PREFIX + secrets.token_hex(6)
    copy = make_conninfo(server, dbname=name)
    try:
        with psycopg.connect(url, autocommit=True) as source, psycopg.connect(server, autocommit=True) as target:
            for program, path in programs.items():
                _check_version(program, path, max(source.info.server_version, target.info.server_version))
            for left in _left_behind(source.info.dbname, target):
                say(f"{left} is an older copy that no session uses, as of a run that was killed: DROP DATABASE {left}")
            say(f"copying {source.info.dbname} to {name}")
            _create(source, target, name)
            owners = read_owners(source)
            refused = refused_extensions(source, copy)
        for line in left_out(refused):
            say(line)
        with granted(owners, copy, name):
            _dump_and_restore(programs, url, copy, refused)
        _settings(url, copy, name)
        yield copy
    finally:
        _drop(server, name)


def _check_version(name: str, program: Path, server: int) -> None:
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)(?:\.\d+)?", said.stdout)
    if not found:
        raise DatabaseCopyError(
            f"{program} --version said nothing that names a version: {said.stdout or said.stderr!r}."
        )
    if int(found[1]) < server // 10_000:
        message = f"{name} is of version {found[1]}, the server of version {server // 10_000}; an older one cannot."
        raise DatabaseCopyError(f"{message} Name a newer one's folder: [prove] pg_bin in handover.toml.")


def _comment(database: str) -> str:
    return f"throw-away copy of {database}, made by handover prove"


def _left_behind(database: str, target: psycopg.Connection[Any]) -> list[str]:
    """Return the copies of a database that no session uses; each holds people's rows."""
    query = """
        SELECT datname FROM pg_database d WHERE shobj_description(oid, 'pg_database') = %s
           AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid AND a.usesysid IS NOT NULL) ORDER BY 1
    """  # a vacuum has no user; what kind of session another role's is may not be seen
    return [name for (name,) in target.execute(query, [_comment(database)]).fetchall()]


def _create(source: psycopg.Connection[Any], target: psycopg.Connection[Any], name: str) -> None:
    """Make an empty database that sorts and compares texts as the source does."""
    encoding, options = _locale(source)
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} {}").format(
        sql.Identifier(name), sql.Literal(encoding), sql.SQL(" ").join(options)
    )
    try:
        target.execute(statement)
        # If a server crash leaves the copy behind, its comment says what it is.
        words = _comment(source.info.dbname)
        target.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(words)))
        # An agent that is ended while it waits for a lock leaves a session that would hold the copy.
        target.execute(
            sql.SQL("ALTER DATABASE {} SET client_connection_check_interval = '1s'").format(sql.Identifier(name))
        )
    except psycopg.errors.InsufficientPrivilege as error:
        role = target.info.user
        message = f"the role {role} may not create databases, and a throw-away copy is one."
        todo = f"As an administrator: ALTER ROLE {role} CREATEDB; or prove on a staging database: --database URL_ENV."
        raise DatabaseCopyError(f"{message} {todo}") from error


def _locale(source: psycopg.Connection[Any]) -> tuple[str, list[sql.Composable]]:
    row = source.execute(
        "SELECT pg_encoding_to_char(encoding), to_jsonb(d) FROM pg_database d WHERE datname = current_database()"
    ).fetchone()
    assert row  # noqa: S101 - we are connected to it
    encoding, facts = row
    words = {"LC_COLLATE": facts["datcollate"], "LC_CTYPE": facts["datctype"]}
    provider = facts.get("datlocprovider", "c")
    locale = facts.get("datlocale") or facts.get("daticulocale")
    options: list[sql.Composable] = [sql.SQL("{} {}").format(sql.SQL(k), sql.Literal(v)) for k, v in words.items()]
    if provider in ("i", "b") and locale:
        kind = "icu" if provider == "i" else "builtin"
        options.append(
            sql.SQL("LOCALE_PROVIDER {} {} {}").format(
                sql.SQL(kind), sql.SQL("ICU_LOCALE" if provider == "i" else "BUILTIN_LOCALE"), sql.Literal(locale)
            )
        )
    return encoding, options


def _dump_and_restore(programs: dict[str, Path], source: str, copy: str, refused: dict[str, str]) -> None:
    with tempfile.TemporaryFile() as said, tempfile.NamedTemporaryFile("w") as kept:
        dump = _start([str(programs["pg_dump"]), "--format=custom", "--compress=0"], source, said, subprocess.PIPE)
        try:
            name = str(conninfo_to_dict(copy)["dbname"])
            command = [str(programs["pg_restore"]), *RESTORE, f"--dbname={name}"]
            assert dump.stdout  # noqa: S101 - it is a pipe
            head = b""
            if refused:
                head, listed = _read_list(programs["pg_restore"], dump.stdout)
                kept.write(without_extensions(listed, refused))
                kept.flush()
                command.append(f"--use-list={kept.name}")
            restore = _start(command, copy, said, subprocess.DEVNULL, stdin=subprocess.PIPE if refused else dump.stdout)
            try:
                if restore.stdin:
                    _pass_on(head, dump.stdout, restore.stdin)
                dump.stdout.close()  # so that the dump ends when the restore does
                statuses = (restore.wait(), dump.wait())
            finally:
                _end(restore)
        finally:
            _end(dump)
        if any(statuses):
            said.seek(0)
            lines = said.read().decode(errors="replace").splitlines()
            # Not the query, which fills a page.
            words = "\n".join(line for line in lines if line.startswith("pg_") and "Query was" not in line)
            message = "the database could not be copied; pg_dump and pg_restore said:"
            raise DatabaseCopyError("\n".join([message, words, *left_out(refused), advice(words)]))


def _read_list(program: Path, dump: IO[bytes]) -> tuple[bytes, str]:
    """Read a dump until its list of contents, which comes first, is whole; return what was read, and the list."""
    head, listed = b"", ""
    while not listed and (part := dump.read(PART)):
        head += part
        done = subprocess.run([str(program), "--list"], input=head, capture_output=True, check=False)
        listed = "" if done.returncode else done.stdout.decode()
    return head, listed


def _pass_on(head: bytes, dump: IO[bytes], restore: IO[bytes]) -> None:
    with suppress(BrokenPipeError), restore:  # a restore that failed says so by its status
        restore.write(head)
        shutil.copyfileobj(dump, restore, PART)


def advice(words: str) -> str:
    """Return what to do about what the two programs said.

    Examples
    --------
    >>> advice('pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "a_timeout"')
    "These programs are newer than the server. Name the folder of the server's own: [prove] pg_bin in handover.toml."
    """
    if "unrecognized configuration parameter" in words:
        own = "Name the folder of the server's own: [prove] pg_bin in handover.toml."
        return f"These programs are newer than the server. {own}"
    if NO_TLS in words:
        return f"These programs were built without TLS, which the URL asks for. {WITH_TLS}"
    todo = "The role must be able to read every table and be a member of every role that owns one"
    return f"{todo}; on another server the roles must exist, too."


def _start(
    command: list[str], url: str, said: IO[bytes], stdout: int, stdin: IO[bytes] | int | None = None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=connecting_environment(url),
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=stdout,
        stderr=said,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _settings(url: str, copy: str, name: str) -> None:
    """Give the copy the settings that hold for the source database only, such as a search_path IN DATABASE."""
    with psycopg.connect(url) as source, psycopg.connect(copy, autocommit=True) as target:
        rows = source.execute(
            "SELECT rolname, unnest(setconfig) FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = setrole "
            "WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchall()
        for role, setting in rows:
            variable, _, value = setting.partition("=")
            scope = (
                sql.SQL("ROLE {} IN DATABASE {}").format(sql.Identifier(role), sql.Identifier(name))
                if role
                else sql.SQL("DATABASE {}").format(sql.Identifier(name))
            )
            parts = sql.SQL(", ").join(sql.Literal(part.strip().strip('"')) for part in value.split(","))
            try:
                target.execute(sql.SQL("ALTER {} SET {} = {}").format(scope, sql.Identifier(variable), parts))
            except psycopg.errors.InsufficientPrivilege as error:
                message = (
                    f"the setting {variable} of {role or 'the database'} holds in this database only, and the copy"
                )
                todo = "Give the role that setting in every database: ALTER ROLE ... SET ..., without IN DATABASE."
                raise DatabaseCopyError(f"{message} cannot be given it: {str(error).strip()}. {todo}") from error


def _drop(server: str, name: str) -> None:
    # A second Ctrl-C must not leave the copy behind.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        with psycopg.connect(server, autocommit=True) as connection:
            _drop_when_left(connection, name)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@retry(retry=retry_if_exception_type(psycopg.errors.ObjectInUse), stop=stop_after_delay(LEFT_WITHIN_S), reraise=True)
def _drop_when_left(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop the copy when the agents' sessions have ended; another role's session may not be terminated, so no FORCE."""
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user", [name]
    )
    # The server itself waits up to five seconds for sessions to end.
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def staging_url(variable: str) -> str:
    """Return the URL of the database that ``--database`` names by its environment variable.

    Raises
    ------
    ConfigurationError
        The variable is not set, or its value names no database.
    """
    url = from_environment(variable, "the URL of the database to prove on, as the role that owns the shared tables")
    try:
        named = conninfo_to_dict(url).get("dbname")
    except psycopg.ProgrammingError:
        named = None
    if not named:
        raise ConfigurationError(f"{variable} holds no database URL. Correct it and run again.")
    return url


IDENTITY = "SELECT (pg_control_system()).system_identifier, oid FROM pg_database WHERE datname = current_database()"


def same_database(one: str, other: str) -> bool:
    """Say whether two URLs lead to one database, by the identities that the servers report."""
    identities = []
    for url in (one, other):
        with psycopg.connect(url) as connection:
            identities.append(connection.execute(IDENTITY).fetchone())
    return identities[0] == identities[1]

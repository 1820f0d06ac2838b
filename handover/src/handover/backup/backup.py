"""Make a backup, restore it into an empty database, compare, and keep that as evidence."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from handover.backup.content import Content, content
from handover.backup.programs import BackupError, run
from handover.config.config import Config, database_url, from_environment
from handover.journal.evidence import Recorder, recording
from handover.journal.journal import SCHEMA
from handover.private_files import private_folder, write_private
from handover.probe.client import probe
from handover.troubles import database_trouble

DUMP, OBJECTS, SUMS = "database.dump", "objects.jsonl", "SHA256SUMS"


def make_backup(config: Config, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Back up the database and list the files, then prove that the copy can be restored; return the evidence's summary.

    Raises
    ------
    BackupError
        It could not be made or restored, or the restored copy differs; there is no evidence then, the files stay.
    """
    restore_url = from_environment(
        config.backup.restore_url_env, "a server to restore on, and a role that makes databases"
    )
    folder = config.root / config.backup.folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    private_folder(folder)
    with recording(config, "backup") as recorder:
        say(f"dumping into {folder}")
        there = dump(config, folder / DUMP)
        objects = list_objects(config, folder / OBJECTS, say) if config.backup.objects else []
        _sums(folder)
        say("restoring into an empty database")
        copy = restored(config, folder / DUMP, restore_url)
        differing = there.differing(copy)
        again = {one["name"]: one for one in list_objects(config, None, say)} if config.backup.objects else {}
        differing += [f"file {one['name']} was overwritten" for one in objects if again.get(one["name"], one) != one]
        _record(recorder, there, objects, folder)
        # People delete while others back up: that is no difference, but it is told.
        recorder.summary["objects_deleted_meanwhile"] = sum(one["name"] not in again for one in objects)
        if differing:
            lines = "\n       ".join(differing[:20])
            message = f"the restored copy is not what was backed up:\n       {lines}"
            raise BackupError(f"{message}\n       The files stay in {folder}. Find out why, then make another.")
    return recorder.summary


def _record(recorder: Recorder, there: Content, objects: list[dict[str, Any]], folder: Path) -> None:
    for name, (rows, checksum) in there.tables.items():
        recorder.line("tables", {"table": name, "rows": rows, "checksum": checksum})
    sums = (folder / SUMS).read_text().splitlines()
    recorder.summary |= {
        "folder": str(folder),
        "sha256": {name: digest for digest, name in (line.split("  ") for line in sums)},
        "restored": True,
        "differing": [],
        "tables": len(there.tables),
        "rows": there.rows,
        "objects": len(objects),
    }


def dump(config: Config, path: Path) -> Content:
    """Dump the database and read what it holds, both in one snapshot; the journal is left out, it has its copy."""
    url = database_url(config)
    with psycopg.connect(url) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        write_private(path, b"")  # pg_dump keeps the rights of a file that is there
        wanted = ("--format=custom", f"--snapshot={row[0]}", f"--exclude-schema={SCHEMA}", f"--file={path}")
        run(config, "pg_dump", url, *wanted)
        return content(connection)


def restored(config: Config, path: Path, server_url: str) -> Content:
    """Restore a dump into a new database, and read its content; the database is dropped afterwards.

    Parameters
    ----------
    config
        The pair.
    path
        The dump.
    server_url
        A server, as a role that may create databases.
    """
    with _empty_database(server_url) as url:
        run(
            config,
            "pg_restore",
            url,
            "--no-owner",
            "--no-privileges",
            "--exit-on-error",
            f"--dbname={_name(url)}",
            str(path),
        )
        with psycopg.connect(url) as connection:
            return content(connection)


@contextmanager
def _empty_database(server_url: str) -> Iterator[str]:
    name = f"handover_restore_{secrets.token_hex(4)}"
    try:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
            try:
                yield make_conninfo(server_url, dbname=name)
            finally:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise BackupError(f"no empty database to restore into: {database_trouble(error)}") from error


def _name(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])


def list_objects(config: Config, path: Path | None, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """List the files of the backend's default storage with their checksums.

    Parameters
    ----------
    config
        The pair.
    path
        Where to write the list, as JSON lines; None to write nothing.
    say
        Receives a line of progress.
    """
    found: list[dict[str, Any]] = []
    with probe("the backend", config.backend, config.root, act_on={}) as agent:
        agent.load("objects")
        while page := agent.ask("objects", first=not found):
            found += page
            say(f"{len(found)} files")
    if path:
        write_private(path, "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found))
    return found


def _sums(folder: Path) -> None:
    lines = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    write_private(folder / SUMS, "".join(lines))

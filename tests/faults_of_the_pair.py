"""This repository's own pair on a server that may be killed, with its tables on a disk that may be filled."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from handover.config.config import Config, load_config
from handover_testing.faults import keeper
from sandbox import house
from sandbox.postgres import Database, Server
from sandbox.postgres.account import Account

DATABASE = "proven"
DISK_MB = 192


@contextmanager
def durable_pair(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[tuple[Config, str]]:
    """Give the pair's configuration and its database's URL as its owner; ``settings`` are PostgreSQL's."""
    folder.chmod(0o711)  # the server may run as another user than this process
    with _kept(folder, settings or {}) as server, _small_disk(folder / "disk") as disk:
        house.build_original(server, DATABASE)
        _make_room(server, disk, f"ALTER DATABASE {DATABASE} SET TABLESPACE small")
        house.adopt(server, DATABASE)
        yield _config(folder, server, disk), server.url("owner", DATABASE)


@contextmanager
def another_server(folder: Path, database: Database) -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    """Give a server that copies of a database can be made on, as its URL, and the faults it can be made to have."""
    folder.chmod(0o711)
    with _kept(folder, {}) as server, _small_disk(folder / "disk") as disk:
        with server.connect() as connection:
            connection.execute("CREATE ROLE backend_app ROLE owner")
            for role in ("original_app", "backend_app"):
                password = sql.Literal(conninfo_to_dict(database.url(role))["password"])
                connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), password))
        _make_room(server, disk, "ALTER DATABASE template0 SET TABLESPACE small")
        server.create_database("first")
        yield server.url("owner", "first"), _faults(folder, disk)


@contextmanager
def _kept(folder: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    command = [sys.executable, "-P", keeper.__file__, "serve", str(folder), *(f"{k}={v}" for k, v in settings.items())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield Server.attach(folder / "pg")
        finally:
            process.terminate()  # its server gets the parent-death signal


@contextmanager
def _small_disk(disk: Path) -> Iterator[Path | None]:
    """Mount a file system of its own where that is permitted."""
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0711", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield disk
    finally:
        # Lazily: the server that has its files open there is just ending.
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _make_room(server: Server, disk: Path | None, move: str) -> None:
    """Have a database's tables on the small disk, where there is one."""
    if disk is None:
        return
    tables = disk / "tables"
    tables.mkdir(mode=0o700)
    os.chown(tables, Account.current().uid, Account.current().gid)
    for statement in (f"CREATE TABLESPACE small LOCATION '{tables}'", move):
        with server.connect() as connection:
            connection.execute(statement.encode())


def _config(folder: Path, server: Server, disk: Path | None) -> Config:
    known = load_config(house.ROOT / "handover.toml")
    common = {"SECRET_KEY": secrets.token_urlsafe(), "MEDIA_ROOT": str(folder / "media")}
    systems: dict[str, Any] = {}
    for side, role in (("original", "original_app"), ("backend", "backend_app")):
        environment = common | {"DATABASE_URL": server.url(role, DATABASE)}
        update = {"path": house.ROOT / side, "python": (sys.executable,), "environment": environment}
        systems[side] = getattr(known, side).model_copy(update=update)
    root = folder / "root"
    shutil.copytree(house.ROOT / "pair", root / "pair")
    prove = known.prove.model_copy(update=_faults(folder, disk))
    return known.model_copy(update={**systems, "root": root, "prove": prove})


def _faults(folder: Path, disk: Path | None) -> dict[str, tuple[str, ...]]:
    """Return the settings of ``[prove]`` that bring faults about."""
    filled = {"fill_disk": _command("fill", disk), "free_disk": _command("free", disk)} if disk else {}
    return {"restart": _command("restart", folder), **filled}


# -P: beside the keeper lies a module called concurrent, like one of the standard library.
def _command(name: str, place: Path) -> tuple[str, ...]:
    return (sys.executable, "-P", keeper.__file__, name, str(place))

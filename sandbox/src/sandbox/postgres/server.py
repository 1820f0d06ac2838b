"""A PostgreSQL server with a lifecycle of our own, and its databases."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from sandbox import process
from sandbox.lock import locked
from sandbox.postgres import binaries, cluster, data_folder
from sandbox.postgres.account import Account
from sandbox.postgres.errors import (
    AlreadyRunningError,
    NotRunningError,
    TemplateInUseError,
    UnknownRoleError,
)
from sandbox.postgres.launch import HOST, check_port, launch, shut_down


class Server:
    """A server on a data folder: made when missing, kept between runs, ended with this process.

    ``settings`` are PostgreSQL's own and hold for this run; the defaults are durable. The server
    listens on 127.0.0.1 and on a socket in its folder, and asks every client for a password.
    """

    def __init__(self, folder: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder.resolve()
        self.port = port
        self._wanted_port = port
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._passwords: dict[str, str] | None = None

    @classmethod
    def attach(cls, folder: Path) -> Self:
        """Return a handle on a server that another process started; `stop` leaves that alone."""
        server = cls(folder)
        data_folder.check_private(server.folder, Account.current())
        running = data_folder.postmaster(server.folder)
        if running is None or not running.ready:
            raise NotRunningError(server.folder)
        server.port = running.port
        server._passwords = data_folder.read_passwords(server.folder)
        return server

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's pid, if this handle started one."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start, making the cluster first when it is missing; return when clients can connect."""
        process.require_main_thread()
        account = Account.current()
        if not data_folder.check(self.folder, account, major=binaries.major()):
            check_port(self._wanted_port)
            durable = self._settings.get("fsync") != "off"
            cluster.create(self.folder, binaries.programs(account), account, durable=durable)
        # A second process waits here until the first one's server is ready, and then finds it running.
        with locked(self.folder):
            self._launch(binaries.programs(account) / "postgres", account)

    def _launch(self, program: Path, account: Account) -> None:
        running = data_folder.postmaster(self.folder)
        if running is not None:
            raise AlreadyRunningError(self.folder, running.pid)
        check_port(self._wanted_port)
        data_folder.remove_stale_pid(self.folder)
        self._process, self.port = launch(
            self.folder, program, account, port=self._wanted_port, settings=self._settings
        )
        self._passwords = data_folder.read_passwords(self.folder)

    def stop(self) -> None:
        """End the server that this handle started and wait until it is gone."""
        if self._process is not None:
            shut_down(self._process)
            self._process = None
            self._passwords = None

    def url(self, role: str, database: str) -> str:
        """Return the URL of a database for a role, password included: not for logs."""
        if self._passwords is None:
            raise NotRunningError(self.folder)
        if role not in self._passwords:
            raise UnknownRoleError(role, tuple(self._passwords))
        return f"postgresql://{role}:{self._passwords[role]}@{HOST}:{self.port}/{database}"

    def databases(self) -> list[str]:
        """Return the names of the databases, PostgreSQL's own templates left out."""
        query = "SELECT datname FROM pg_database WHERE datname NOT IN ('template0', 'template1') ORDER BY 1"
        with self.connect() as connection:
            return [str(name) for (name,) in connection.execute(query)]

    def create_database(self, name: str, *, template: str | None = None, owner: str = "owner") -> None:
        """Create a database that belongs to ``owner``, as a copy of ``template`` if one is named.

        Raises TemplateInUseError, which names the sessions, when the template has any.
        """
        # Files are copied in half the time that it takes to write every page to the log.
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy").format(
            sql.Identifier(name), sql.Identifier(template or "template1"), sql.Identifier(owner)
        )
        with self.connect() as connection:
            try:
                connection.execute(statement)
            except psycopg.errors.ObjectInUse:
                source = template or "template1"
                raise TemplateInUseError(source, _sessions(connection, source)) from None

    def drop_database(self, name: str) -> None:
        """Drop a database and cut its sessions."""
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Return an autocommit connection as superuser, for what concerns the whole server."""
        return psycopg.connect(self.url(cluster.SUPERUSER, database), autocommit=True)


@dataclass(frozen=True)
class Database:
    """A database on a server."""

    name: str
    server: Server

    def url(self, role: str) -> str:
        """Return the database's URL for a role, password included: not for logs."""
        return self.server.url(role, self.name)


def _sessions(connection: psycopg.Connection, database: str) -> list[str]:
    query = """
        SELECT concat_ws(', ', 'pid ' || pid, 'role ' || usename, state, nullif(application_name, ''))
        FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend' ORDER BY pid
    """
    return [str(line) for (line,) in connection.execute(query, (database,))]

"""A real pgbouncer in transaction mode before a server: each transaction may run in another session."""

import os
import pwd
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from psycopg.conninfo import conninfo_to_dict

from sandbox import process
from sandbox.errors import SandboxError
from sandbox.logs import open_log
from sandbox.ports import LOOPBACK, free_port
from sandbox.postgres import Server

MISSING = "no pgbouncer: script/bootstrap --full installs it"
READY_WITHIN_S = 30.0
STOPS_WITHIN_S = 5.0
POLL_S = 0.02
# Fewer than its clients: sessions are shared.
SESSIONS = 6
ACCOUNT = "nobody"  # it refuses to run as root


class PoolerFailedError(SandboxError):
    """It ended, or did not listen in time."""

    code = "SB027"


def program() -> str | None:
    """Return where pgbouncer is; None where it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


class Pooler:
    """pgbouncer at ``port`` while it is entered.

    Parameters
    ----------
    server
        The server behind it.
    folder
        Where its configuration and its log are.
    connect_query
        What it runs in each new session of the server; instead of the options that it does not pass on.
    """

    def __init__(self, server: Server, folder: Path, *, connect_query: str = "") -> None:
        self.server = server
        self.folder = folder
        self.connect_query = connect_query
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Its log."""
        return self.folder / "pgbouncer.log"

    def __enter__(self) -> Self:
        self._write()
        argv = [str(program()), "-u", ACCOUNT, str(self.folder / "pgbouncer.ini")]
        if os.geteuid() != 0:
            del argv[1:3]
        with open_log(self.log, empty=True) as log:
            self._process = process.spawn(argv, cwd=self.folder, env=dict(os.environ), stdout=log)
        try:
            listens = process.answers_while_it_runs(
                self._process, self._listens, within_s=READY_WITHIN_S, poll_s=POLL_S
            )
        except TimeoutError:
            listens = False
        if not listens:
            self.stop()
            raise PoolerFailedError(f"pgbouncer does not listen:\n{self.log.read_text()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            process.stop(self._process, STOPS_WITHIN_S)
            self._process = None

    def url(self, direct: str) -> str:
        """Return the address of a database of the server through this."""
        return direct.replace(f":{self.server.port}/", f":{self.port}/")

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex((LOOPBACK, self.port)) == 0

    def _write(self) -> None:
        query = f" connect_query='{self.connect_query}'" if self.connect_query else ""
        users = [conninfo_to_dict(self.server.url(role, "postgres")) for role in ("backend_app", "original_app")]
        lines = "".join(f'"{user["user"]}" "{user["password"]}"\n' for user in users)
        settings = {
            "listen_addr": LOOPBACK,
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": self.folder / "users.txt",
            "pool_mode": "transaction",
            "default_pool_size": SESSIONS,
            "max_client_conn": 500,
        }
        text = f"[databases]\n* = host={LOOPBACK} port={self.server.port}{query}\n\n[pgbouncer]\n"
        text += "".join(f"{name} = {value}\n" for name, value in settings.items())
        for name, content in (("users.txt", lines), ("pgbouncer.ini", text)):
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_text(content)
            if os.geteuid() == 0:
                account = pwd.getpwnam(ACCOUNT)
                os.chown(path, account.pw_uid, account.pw_gid)
        self.folder.chmod(0o711)

"""Start the postmaster and wait until clients can connect, or say why they cannot."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox import process
from sandbox.postgres import cluster
from sandbox.postgres.account import Account
from sandbox.postgres.data_folder import LOG, full_disk_told, postmaster
from sandbox.postgres.errors import (
    AlreadyRunningError,
    DiskFullError,
    PortTakenError,
    StartFailedError,
)

HOST = "127.0.0.1"
START_TIMEOUT_S = 120  # recovery after a crash takes its time
STOP_TIMEOUT_S = 30
POLL_S = 0.01
WAL_SEGMENT_MB = 16


class _LeftoversError(StartFailedError):
    """Sessions of a killed server still hold its shared memory; they notice and end by themselves."""


def check_port(port: int | None) -> None:
    """Raise PortTakenError when the wanted port is not free."""
    if port is not None and not _is_free(port):
        raise PortTakenError(port)


def launch(
    folder: Path, program: Path, account: Account, *, port: int | None, settings: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], int]:
    """Return a server that is ready, and its port: ``port``, or a free one."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        chosen = port or _free_port()
        try:
            argv: list[str | Path] = [program, "-D", str(folder), *_options(folder, chosen, settings)]
            return _attempt(folder, argv, account, chosen, deadline), chosen
        except PortTakenError:
            # A free port was found, and taken by another program before PostgreSQL listened on it.
            if port is not None or time.monotonic() > deadline:
                raise
        except _LeftoversError:
            if time.monotonic() > deadline:
                raise


def shut_down(server: subprocess.Popen[bytes]) -> None:
    """End the server with a fast shutdown: sessions are cut, committed work is on the disk."""
    process.stop(server, STOP_TIMEOUT_S, ask=signal.SIGINT)


def _options(folder: Path, port: int, settings: Mapping[str, str]) -> list[str]:
    # The last one wins: what the caller sets cannot open the server to the network.
    every = {
        # A failed ALTER ROLE ... PASSWORD would otherwise put the password in the log.
        "log_min_error_statement": "panic",
        **settings,
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": str(folder),
    }
    return [part for name, value in every.items() for part in ("-c", f"{name}={value}")]


def _attempt(
    folder: Path, argv: Sequence[str | Path], account: Account, port: int, deadline: float
) -> subprocess.Popen[bytes]:
    log = _open_log(folder / LOG, account)
    start = os.fstat(log).st_size
    try:
        server = process.spawn(
            argv,
            cwd=Path("/"),
            env=cluster.ENVIRONMENT,
            user=account.user,
            stdout=log,
            on_parent_death=signal.SIGINT,  # a fast shutdown; SIGTERM would wait for the clients
        )
        ready = False
        try:
            ready = _wait_until_ready(folder, server, deadline)
        finally:
            if not ready:
                shut_down(server)
        if ready:
            return server
        said = os.pread(log, 1 << 20, start).decode(errors="replace")
        raise _reason(folder, said, port)
    finally:
        os.close(log)


def _open_log(path: Path, account: Account) -> int:
    # O_NOFOLLOW: root must not follow a link that the server's user may have laid.
    with full_disk_told(path.parent):
        log = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    os.fchown(log, account.uid, account.gid)
    return log


def _wait_until_ready(folder: Path, server: subprocess.Popen[bytes], deadline: float) -> bool:
    while time.monotonic() < deadline:
        found = postmaster(folder)
        if found is not None and found.pid == server.pid and found.ready:
            return True
        if process.wait_for_exit(server.pid, POLL_S):
            return False
    return False


def _reason(folder: Path, said: str, port: int) -> Exception:
    other = re.search(r"Is another \w+ \(PID (\d+)\)", said)
    if other:
        return AlreadyRunningError(folder, int(other[1]))
    if "pre-existing shared memory block" in said:
        return _LeftoversError(folder, "postgres", said)
    if "Address already in use" in said:
        return PortTakenError(port)
    free_mb = shutil.disk_usage(folder).free >> 20
    # On a full disk there may be no room for the log line that says so.
    if "No space left on device" in said or ("FATAL" not in said and free_mb < WAL_SEGMENT_MB):
        return DiskFullError(folder, free_mb)
    return StartFailedError(folder, "postgres", said)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        try:
            probe.bind((HOST, port))
        except PermissionError:
            return True  # a port below 1024: PostgreSQL will say so itself
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

"""A Python interpreter that has Django imported already: it saves the second that a system of a test needs to start.

``python -IS fork_server.py SOCKET -c CODE`` hands its standard input, output and error to a child of the server on that
socket, and ends as that child ends. Everything else is as in a fresh interpreter.
"""

# ruff: noqa: PLC0415 - the client runs without site-packages

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

IMPORTED = (
    "django.contrib.postgres.fields",
    "django.core.management.commands.inspectdb",
    "django.core.management.commands.makemigrations",
    "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base",
    "handover_testing.drifts.one_system",
)
ONE_SYSTEM = "from handover_testing.drifts.one_system import main; main()"


class ForkServer:
    """A running server; made by :func:`fork_server`."""

    def __init__(self, address: str) -> None:
        self._address = address

    @property
    def python(self) -> list[str]:
        """The argument vector of an interpreter that starts at once."""
        return [sys.executable, "-I", "-S", __file__, self._address]

    def ask(self, folder: Path, environment: dict[str, str], settings: str, **wanted: object) -> Any:
        """Return what a system says of itself, and what Django's own commands find.

        See :mod:`handover_testing.drifts.one_system`, which runs in a child of its own.
        """
        from handover.probe.client import agent

        request = {"folder": str(folder), "environment": environment, "settings": settings, "agent": agent(), **wanted}
        bare = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
        with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answer:
            asked.write(json.dumps(request).encode())
            asked.seek(0)
            run(self._address, ONE_SYSTEM, [asked.fileno(), answer.fileno(), 2], bare)
            answer.seek(0)
            text = answer.read()
        return json.loads(text) if text else {"died": True}


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    """Start a server and end it afterwards."""
    with tempfile.TemporaryDirectory() as place:
        address = str(Path(place, "socket"))
        with subprocess.Popen(
            [sys.executable, __file__, address, "serve"], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout
                if process.stdout.readline() != "ready\n":
                    raise RuntimeError(f"the fork server ended with status {process.wait()}")
                yield ForkServer(address)
            finally:
                process.kill()


def run(address: str, code: str, descriptors: Sequence[int], environment: dict[str, str]) -> bytes:
    """Let a child of the server run code on these descriptors; return its status, empty when it was killed."""
    request = json.dumps({"code": code, "folder": str(Path.cwd()), "environment": environment}).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [b"%10d" % len(request)], descriptors)
        connection.sendall(request)
        return connection.recv(1)


def client(address: str, arguments: list[str]) -> None:
    """Let a child of the server run the code, and end like it."""
    status = run(address, arguments[1], [0, 1, 2], dict(os.environ))
    if not status:
        os.kill(os.getpid(), signal.SIGKILL)  # as the child was
    sys.exit(status[0])


def serve(address: str) -> None:
    """Fork a child for each client; it finds these imported."""
    for module in IMPORTED:
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _become(connection)
            connection.close()


def _become(connection: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    header, descriptors, _, _ = socket.recv_fds(connection, 10, 3)
    with connection.makefile("rb") as file:
        request = json.loads(file.read(int(header)))
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    status = 1
    try:
        exec(compile(request["code"], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - what -c does
        status = 0
    finally:
        with suppress(BrokenPipeError):  # the client was killed
            connection.sendall(bytes([status]))
        os._exit(status)


if __name__ == "__main__":
    if sys.argv[2:] == ["serve"]:
        serve(sys.argv[1])
    client(sys.argv[1], sys.argv[2:])

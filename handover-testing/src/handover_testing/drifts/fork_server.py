"""A Python interpreter that has Django imported already: it saves the second that a system of a test needs to start.

A child of the server is such an interpreter, see :mod:`handover_testing.drifts.fork_client`. Everything else is as in a
fresh one.
"""

# ruff: noqa: PLC0415 - the server imports nothing of handover

import gc
import json
import marshal
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Any

from handover_testing.drifts import fork_client

# What most systems import when they start, as far as it can be imported without settings.
IMPORTED = (
    "django.contrib.auth.apps",
    "django.contrib.auth.hashers",
    "django.contrib.auth.password_validation",
    "django.contrib.auth.validators",
    "django.contrib.contenttypes.apps",
    "django.contrib.postgres.fields",
    "django.contrib.sessions.apps",
    "django.core.mail",
    "django.core.management.commands.inspectdb",
    "django.core.management.commands.makemigrations",
    "django.core.management.commands.migrate",
    "django.core.serializers.json",
    "django.db.backends.postgresql.base",
    "django.middleware.csrf",
    "django.template.defaulttags",
    "django.template.loader_tags",
    "django.utils.log",
    "django.views.debug",
    "django.views.generic",
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
        return [sys.executable, "-I", "-S", fork_client.__file__, self._address]

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
            fork_client.run(self._address, ONE_SYSTEM, [asked.fileno(), answer.fileno(), 2], bare)
            answer.seek(0)
            text = answer.read()
        return json.loads(text) if text else {"died": True}


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    """Start a server and end it afterwards."""
    from handover.probe.client import agent

    with tempfile.TemporaryDirectory() as place:
        address = str(Path(place, "socket"))
        with subprocess.Popen(
            [sys.executable, __file__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdin
                assert process.stdout
                process.stdin.write(agent())
                process.stdin.close()
                if process.stdout.readline() != "ready\n":
                    raise RuntimeError(f"the fork server ended with status {process.wait()}")
                yield ForkServer(address)
            finally:
                process.kill()


def serve(address: str) -> None:
    """Fork a child for each client; it finds these imported, and the agent on standard input compiled."""
    for module in IMPORTED:
        import_module(module)
    compiled: Callable[[str], CodeType] = import_module(IMPORTED[-1]).compiled
    compiled(sys.stdin.read())
    gc.collect()
    gc.freeze()  # children share these objects, and do not look through them
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
                _become(connection, compiled)
            connection.close()


def _become(connection: socket.socket, compiled: Callable[[str], CodeType]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    header, descriptors, _, _ = socket.recv_fds(connection, 10, 3)
    with connection.makefile("rb") as file:
        request = marshal.loads(file.read(int(header)))  # noqa: S302 - of our own client
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    status = 1

    def compile_(source: Any, name: str, mode: str) -> Any:
        """Take the time to compile the agent once for all systems."""
        return compiled(source.decode()) if name == "handover-agent" else compile(source, name, mode)

    try:
        exec(compile(request["code"], "<string>", "exec"), {"__name__": "__main__", "compile": compile_})  # noqa: S102
        status = 0
    finally:
        with suppress(BrokenPipeError):  # the client was killed
            connection.sendall(bytes([status]))
        os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])

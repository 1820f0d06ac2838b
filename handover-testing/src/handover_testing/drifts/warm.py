"""A Python interpreter that has Django imported already: it saves the second that a system of a test needs to start.

``python -IS warm.py SOCKET -c CODE`` hands its standard input, output and error to a child of the server on that
socket, and ends as that child ends. Everything else is as in a fresh interpreter.
"""

# ruff: noqa: PLC0415 - the client runs without site-packages

import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path


def client(address: str, arguments: list[str]) -> None:
    """Let a child of the server run the code, and end like it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        request = {"code": arguments[1], "folder": str(Path.cwd()), "environment": dict(os.environ)}
        socket.send_fds(connection, [b"%10d" % len(json.dumps(request))], [0, 1, 2])
        connection.sendall(json.dumps(request).encode())
        status = connection.recv(1)
    if not status:
        os.kill(os.getpid(), signal.SIGKILL)  # as the child was
    sys.exit(status[0])


def serve(address: str) -> None:
    """Fork a child for each client."""
    import django.contrib.postgres.fields
    import django.core.management
    import django.db.backends.postgresql.base
    import django.db.migrations.loader  # noqa: F401

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
        with suppress(BrokenPipeError):  # whoever asked was killed
            connection.sendall(bytes([status]))
        os._exit(status)


if __name__ == "__main__":
    if sys.argv[2:] == ["serve"]:
        serve(sys.argv[1])
    client(sys.argv[1], sys.argv[2:])

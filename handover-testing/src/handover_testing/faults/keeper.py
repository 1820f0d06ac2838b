"""A PostgreSQL server that can be killed and comes back on the same port, and a disk that can be filled.

keeper.py serve FOLDER [NAME=VALUE ...]   keep a server until this process ends
keeper.py restart FOLDER                  SIGKILL to the postmaster; returns when a new one takes connections
keeper.py fill DISK · keeper.py free DISK
"""

import errno
import os
import signal
import socket
import sys
from pathlib import Path

from sandbox.ports import free_port
from sandbox.postgres import Server

SOCKET, BALLAST = "keeper", "ballast"
CHUNK_BYTES = 4096


def serve(folder: Path, settings: list[str]) -> None:
    """Keep a server in a folder, and restart it on request."""
    pairs = dict(setting.split("=", 1) for setting in settings)
    with Server(folder / "pg", port=free_port(), settings=pairs) as server, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / SOCKET))
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            asking, _ = listener.accept()
            with asking:
                assert server.pid
                os.kill(server.pid, signal.SIGKILL)
                server.stop()
                server.start()
                asking.sendall(b"up")


def restart(folder: Path) -> None:
    """Ask the keeper of a folder to kill its server, and wait for the new one."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / SOCKET))
        if connection.recv(2) != b"up":
            sys.exit("the keeper went away")


def fill(disk: Path) -> None:
    """Fill the disk."""
    with (disk / BALLAST).open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(CHUNK_BYTES))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def free(disk: Path) -> None:
    """Free the disk again."""
    (disk / BALLAST).unlink(missing_ok=True)


if __name__ == "__main__":
    command, place, *rest = sys.argv[1:]
    if command == "serve":
        serve(Path(place), rest)
    else:
        {"restart": restart, "fill": fill, "free": free}[command](Path(place))

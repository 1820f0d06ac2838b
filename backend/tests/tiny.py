"""A small WSGI application for tests of the server's worker."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

PIECE = bytes(range(256)) * 256
PIECES = 400  # 25 MiB: more than the buffers of a connection hold
CLOSED = Path(os.environ["CLOSED_FILMS"])
GATE = Path(os.environ["CLOSED_FILMS"]).with_name("gate")

Start = Callable[[str, list[tuple[str, str]]], object]


class Film:
    """An answer in pieces, which notes that it was closed."""

    def __iter__(self) -> Iterator[bytes]:
        return iter([PIECE] * PIECES)

    def close(self) -> None:
        with CLOSED.open("a") as file:
            file.write("closed\n")


def application(environ: dict[str, object], start: Start) -> object:
    """Answer by the path."""
    path = environ["PATH_INFO"]
    if path == "/film":
        start("200 OK", [("Content-Length", str(len(PIECE) * PIECES))])
        return Film()
    if path == "/refuse":
        start("413 Too Large", [("Content-Length", "2")])
        return [b"no"]
    if path == "/wait":
        GATE.open().read()  # a pipe, which the test writes
    if path == "/fault":
        raise ValueError("planted")
    body = environ["wsgi.input"].read() if path == "/echo" else b""
    text = f"{path} {len(body)} {threading.current_thread().name.split('_')[0]}".encode()
    start("200 OK", [("Content-Length", str(len(text)))])
    return [text]

"""Clients that hold connections: half a header, a body that never comes, an answer that is not read."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sandbox.ports import LOOPBACK

HALF_A_HEADER = b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "
ANNOUNCED_BODY = (
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\n"
)
PATIENCE_S = 60.0


def get(path: str, **headers: str) -> bytes:
    """Return a whole request, of a client that will not read the answer."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def connect(port: int, request: bytes, *, address: str = LOOPBACK) -> socket.socket:
    """Send a request, or a part of one, and read nothing. The small buffer takes only the first bytes of a film."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(PATIENCE_S)
    client.connect((address, port))
    client.sendall(request)
    return client


@contextmanager
def holding(port: int, *requests: bytes, count: int) -> Iterator[list[socket.socket]]:
    """Hold ``count`` connections for each of the requests."""
    with ExitStack() as stack:
        yield [stack.enter_context(connect(port, request)) for request in requests for _ in range(count)]


def read_to_end(client: socket.socket) -> bytes:
    """Return what comes until the server closes. Raises TimeoutError if it does not."""
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)

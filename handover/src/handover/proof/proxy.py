"""A TCP proxy in front of a server. It can cut every connection at once, and lead new ones to another server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

CHUNK_BYTES = 1 << 16


class Proxy(ThreadingTCPServer):
    """Passes connections on to a server; made by :func:`proxy`.

    Attributes
    ----------
    port
        Where it listens, on 127.0.0.1.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port = int(self.server_address[1])
        self._target = (host, port)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def cut(self) -> int:
        """End every connection in both directions, whatever is on its way; return how many there were."""
        return self.point_at(*self._target)

    def point_at(self, host: str, port: int) -> int:
        """Lead new connections to this server and end the present ones; return how many there were."""
        with self._lock:
            self._target = (host, port)
            for connection in self._open:
                with suppress(OSError):  # its other end may have gone already
                    connection.shutdown(socket.SHUT_RDWR)
            return len(self._open) // 2

    def connect(self, client: socket.socket) -> socket.socket:
        """Connect a client to the server."""
        target = host, port = self._target
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
        else:
            server = socket.create_connection(target)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {client, server}
            if target != self._target:  # it points elsewhere since then, which ends this connection too
                server.shutdown(socket.SHUT_RDWR)
        return server

    def forget(self, *connections: socket.socket) -> None:
        """Drop connections that have ended."""
        with self._lock:
            self._open -= set(connections)


class _Connection(BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        client = self.request
        try:
            server = self.server.connect(client)
        except OSError:
            return  # the server does not listen; the client sees its connection closed
        with server:
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()
            self.server.forget(client, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # either side may end at any time
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(host: str, port: int) -> Iterator[Proxy]:
    """Open a proxy to a server. ``host`` is a name, an address, or the folder of PostgreSQL's socket."""
    with Proxy(host, port) as opened:
        thread = threading.Thread(
            target=opened.serve_forever, kwargs={"poll_interval": 0.05}, name="proxy", daemon=True
        )
        thread.start()
        try:
            yield opened
        finally:
            opened.shutdown()
            opened.cut()
            thread.join()

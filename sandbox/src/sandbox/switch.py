"""One address with one of several servers behind it: what a DNS record is to a browser, without the waiting."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

CHUNK_BYTES = 64 * 1024


class Switch(ThreadingTCPServer):
    """Hands every connection on to the port it points at."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self._port = port
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The one address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def to(self, port: int) -> None:
        """Point at another server; connections to the one before are cut."""
        with self._lock:
            self._port = port
            for connection in self._open:
                with suppress(OSError):  # the peer has closed it already
                    connection.shutdown(socket.SHUT_RDWR)

    def connect(self, client: socket.socket) -> socket.socket:
        """Open a connection for a client to where the switch points."""
        with self._lock:
            server = socket.create_connection(("127.0.0.1", self._port))
            self._open |= {client, server}
        return server

    def forget(self, *connections: socket.socket) -> None:
        """Drop connections that have ended."""
        with self._lock:
            self._open -= set(connections)


class _Connection(BaseRequestHandler):
    server: Switch

    def handle(self) -> None:
        client = self.request
        try:
            with self.server.connect(client) as server:
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()
                self.server.forget(client, server)
        except ConnectionRefusedError:
            return  # nobody listens there; the client sees its connection closed


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # either side may end at any time
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def switch(port: int) -> Iterator[Switch]:
    """Open an address that points at ``port``."""
    with Switch(port) as opened:
        thread = threading.Thread(target=opened.serve_forever, name="switch", daemon=True)
        thread.start()
        try:
            yield opened
        finally:
            opened.shutdown()
            thread.join()

"""What clients see of a server through a proxy that makes faults, and that the server sees none."""

import socket
import threading
from collections.abc import Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from sandbox.fault_proxy import DOWN, FLAPPING, GARBAGE, WELL, Fault, FaultProxy


class Echo(StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(line)


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        with FaultProxy(*server.server_address) as opened:
            yield opened
        server.shutdown()
        thread.join()


@pytest.fixture
def connect(proxy) -> Iterator[object]:
    opened: list[socket.socket] = []

    def connected() -> socket.socket:
        client = socket.create_connection(("127.0.0.1", proxy.port), timeout=60)
        opened.append(client)
        return client

    yield connected
    for client in opened:
        client.close()


def echoed(client: socket.socket) -> bytes:
    """Return what comes back; nothing when the connection is reset or ends."""
    try:
        client.sendall(b"ping\n")
        return client.recv(4096)
    except ConnectionError:
        return b""


def test_well__passes_everything_on_and_counts_it(proxy, connect):
    assert echoed(connect()) == b"ping\n"
    assert (proxy.asked_bytes, proxy.answered_bytes) == (5, 5)


def test_down__resets_what_is_open_and_what_is_opened__until_it_is_well(proxy, connect):
    before = connect()
    assert echoed(before) == b"ping\n"
    proxy.set(DOWN)
    assert [echoed(client) for client in (before, connect())] == [b"", b""]
    proxy.set(WELL)
    assert echoed(connect()) == b"ping\n"


def test_slow__holds_an_answer_back__until_it_is_well(proxy, connect):
    proxy.set(Fault(delay_s=3600))
    client = connect()
    client.sendall(b"ping\n")
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(4096)
    proxy.set(WELL)
    client.settimeout(60)
    assert client.recv(4096) == b"ping\n"


def test_slow__delays_each_answer_and_then_gives_it(proxy, connect):
    proxy.set(Fault(delay_s=0.01))
    assert [echoed(client) for client in (connect(), connect())] == [b"ping\n"] * 2


def test_flapping__lets_every_second_connection_through(proxy, connect):
    proxy.set(FLAPPING)
    seen = [echoed(connect()) for _ in range(4)]
    assert seen in ([b"", b"ping\n"] * 2, [b"ping\n", b""] * 2)


def test_garbage__is_sent_instead_of_the_answer_and_ends_the_connection(proxy, connect):
    proxy.set(GARBAGE)
    client = connect()
    client.sendall(b"ping\n")
    received = b"".join(iter(lambda: client.recv(4096), b""))
    assert received == GARBAGE.answers


def test_server_that_does_not_listen__is_down():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with FaultProxy("127.0.0.1", port) as other, socket.create_connection(("127.0.0.1", other.port), 60) as client:
        assert echoed(client) == b""

"""One connection: what the client has sent, what it has not taken yet, and how long it may go on."""

import select
import socket
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from enum import Enum, auto
from typing import Any

from gunicorn import http
from gunicorn.http.body import LengthReader

from serving.feeds import Feed
from serving.patience import Patience

IN_MEMORY_BYTES = 64 * 1024
END_OF_HEAD = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Stage(Enum):
    """What the server waits for."""

    IDLE = auto()  # another request of a client that had an answer
    HEAD = auto()  # the end of the header
    BODY = auto()  # the end of the body
    WORKING = auto()  # a thread; in all other stages no thread is held
    SENDING = auto()  # the client, to take a part of the answer
    FOLLOWING = auto()  # the application, to send more of an answer that goes on
    CLOSING = auto()  # the client, to close
    GONE = auto()


class Incoming:
    """What a client has sent, for gunicorn's parser, which reads it like a socket."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self.sock = sock
        self.patience = patience
        self.begin()

    def begin(self) -> None:
        """Forget the last request."""
        self.held = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - it lives with the request
        self.position = 0
        self.live = False
        self.asked_to_go_on = True

    def add(self, data: bytes) -> None:
        self.held.seek(0, 2)
        self.held.write(data)

    def recv(self, size: int) -> bytes:
        """Return what was received; for an upload then what comes, as the thread reads it."""
        self.held.seek(self.position)
        data: bytes = self.held.read(size)
        self.position += len(data)
        return data if data or not self.live else self._from_the_client(size)

    def _from_the_client(self, size: int) -> bytes:
        if not self.asked_to_go_on:
            self.asked_to_go_on = True
            self.sock.send(CONTINUE)
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        left_s = min(self.deadline - time.monotonic(), self.patience.body_s)
        if left_s <= 0 or not poll.poll(left_s * 1000):
            raise TimeoutError("the client sent its body too slowly")
        return self.sock.recv(size)

    def wait_in_thread(self, length: int) -> None:
        """Let a thread read the rest from the client: at least ``pace_bytes`` a second, over the whole."""
        self.live = True
        self.deadline = time.monotonic() + self.patience.body_s + length / self.patience.pace_bytes

    def rest(self) -> bytes:
        self.held.seek(self.position)
        return bytes(self.held.read())


class Outgoing:
    """What the client has not taken yet; gunicorn's response writes to it like to a socket, and never waits."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.held = memoryview(b"")

    def sendall(self, data: bytes) -> None:
        if self.held:
            self.held = memoryview(bytes(self.held) + data)
        else:
            self.held = memoryview(data)
            self.flush()

    def gettimeout(self) -> float:
        return 0.0  # gunicorn asks before it writes an error

    def flush(self) -> int:
        """Send what the client takes at once; return how many bytes."""
        sent = 0
        while self.held:
            try:
                taken = self.sock.send(self.held)
            except BlockingIOError:
                break
            self.held = self.held[taken:]
            sent += taken
        return sent


class Connection:
    """One client. Either the loop or one thread has it, never both."""

    def __init__(self, sock: socket.socket, client: Any, server: Any, cfg: Any, patience: Patience) -> None:
        self.sock, self.client, self.server, self.patience = sock, client, server, patience
        # Without a front, one client; behind one, they are all equal.
        self.address = client[0] if isinstance(client, tuple) else ""
        self.incoming = Incoming(sock, patience)
        self.outgoing = Outgoing(sock)
        self.parser = http.get_parser(cfg, self.incoming, client)
        self.stage, self.since, self.deadline, self.moved = Stage.HEAD, 0.0, 0.0, 0
        self.pool: Any = None
        self.begin()

    def begin(self) -> None:
        """Begin another request."""
        self.head = bytearray()
        self.request: Any = None
        self.response: Any = None
        self.environ: dict[str, Any] = {}
        self.answer: Any = None
        self.pieces: Iterator[bytes] | None = None
        self.feed: Feed | None = None
        self.is_followed = False
        self.began = datetime.now()  # noqa: DTZ005 - gunicorn's log subtracts it from another such time
        self.missing = 0
        self.must_close = False
        self.finished = False

    def wait(self, stage: Stage, seconds: float) -> None:
        self.stage, self.moved, self.since = stage, 0, time.monotonic()
        self.deadline = self.since + seconds

    def progress(self, count: int, seconds: float) -> None:
        """Note that so many bytes were moved; enough of them give the client more time."""
        self.moved += count
        if self.moved >= self.patience.pace_bytes:
            self.moved, self.deadline = 0, time.monotonic() + seconds

    def has_head(self, data: bytes) -> bool:
        """Add what was received; return whether the header is whole."""
        begin = max(0, len(self.head) - len(END_OF_HEAD) + 1)
        self.head += data
        return self.head.find(END_OF_HEAD, begin) >= 0

    def parse(self) -> None:
        """Parse the header, and decide how the body is read. Raises what gunicorn's parser raises."""
        self.incoming.add(bytes(self.head))
        self.request = next(self.parser)
        reader = self.request.body.reader
        if not isinstance(reader, LengthReader):
            self.must_close = True  # in chunks, without a length: Django does not read it
            return
        self.missing = reader.length - (len(self.head) - self.head.find(END_OF_HEAD) - len(END_OF_HEAD))
        expects, self.request._expected_100_continue = self.request._expected_100_continue, False  # noqa: SLF001
        if reader.length > self.patience.body_bytes:
            self.missing, self.must_close = 0, True
            self.incoming.wait_in_thread(reader.length)
            self.incoming.asked_to_go_on = not expects
        elif expects and self.missing > 0:
            self.outgoing.sendall(CONTINUE)

    def next_request(self) -> bytes:
        """Make ready for another request; return what was received of it already."""
        self.parser.finish_body()
        rest: bytes = self.parser.unreader.take_buffered() + self.incoming.rest()
        self.incoming.held.close()
        self.incoming.begin()
        self.begin()
        return rest

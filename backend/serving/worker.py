"""A worker of gunicorn in which only whole requests get a thread, and an answer waits for its client without one.

gunicorn's own threads read headers and bodies from the client, and write answers to it, for as long as the client
likes: as many slow clients as there are threads stop the service. Here one loop receives and sends for all clients.
"""

import math
import resource
import selectors
import socket
import time
from collections import Counter
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn.errors import ConfigError
from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

from serving.connection import Connection, Stage
from serving.feeds import FEEDS, Feed, Outlet
from serving.patience import Patience
from serving.refusals import Heard, refusal

PIECE_BYTES = 64 * 1024
LOOK_S = 0.25
OTHER_FILES = 256  # beside connections and the videos that they read


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Threads for whole requests; one loop for everything that waits for a client."""

    patience = Patience()

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse what this worker cannot do."""
        super().check_config(cfg, log)
        if cfg.is_ssl:
            raise ConfigError("certfile and keyfile are set; this worker speaks plain HTTP. End TLS in a front.")

    def init_process(self) -> None:
        self.connections: set[Connection] = set()
        self.most = room(self.cfg.worker_connections)
        self.probes = ThreadPoolExecutor(self.patience.probes, "probe")
        self.uploads = ThreadPoolExecutor(self.patience.uploads, "upload")
        self.next_look = 0.0
        self.alive: bool = True
        super().init_process()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.cfg.threads, "request")

    def run(self) -> None:
        queue = self.method_queue
        self.poller.register(queue.fileno(), selectors.EVENT_READ, queue.run_callbacks)
        self.set_accept_enabled(True)
        while self.alive and self.is_parent_alive():
            self.turn()
        self.stop()

    def turn(self) -> None:
        self.notify()
        self.wait_for_and_dispatch_events(timeout=LOOK_S)
        self.cut_off_the_slow()

    def stop(self) -> None:
        """Answer what was asked; then close."""
        self.set_accept_enabled(False)
        soon, end = time.monotonic() + self.patience.linger_s, time.monotonic() + self.cfg.graceful_timeout
        for connection in list(self.connections):
            if connection.is_followed:
                self.try_to(self.end_feed, connection)
            if connection.stage in {Stage.IDLE, Stage.HEAD}:
                connection.deadline = min(connection.deadline, soon)
        while self.connections and time.monotonic() < end:
            self.turn()
        for connection in list(self.connections):
            self.close(connection)
        for pool in (self.tpool, self.probes, self.uploads):
            pool.shutdown(wait=False)
        self.poller.close()
        self.method_queue.close()
        for listener in self.sockets:
            listener.close()

    def accept(self, listener: socket.socket) -> None:
        try:
            sock, client = listener.accept()
        except OSError:  # it is gone again; or there is no descriptor left
            self.make_room()
            return
        if len(self.connections) >= self.most and not self.make_room():
            sock.close()
            return
        sock.settimeout(0)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock, client, listener.getsockname(), self.cfg, self.patience)
        self.connections.add(connection)
        self.wait(connection, Stage.HEAD, self.patience.head_s)

    def make_room(self) -> bool:
        """Close the connection that has waited longest, of the address that holds the most."""
        held = Counter(connection.address for connection in self.connections)
        waiting = [connection for connection in self.connections if connection.stage is not Stage.WORKING]
        if not waiting or len(self.connections) < self.most:
            return bool(waiting)
        self.close(
            max(
                waiting,
                key=lambda one: (one.stage is Stage.CLOSING, not one.is_followed, held[one.address], -one.since),
            )
        )
        return True

    def cut_off_the_slow(self) -> None:
        now = time.monotonic()
        if now < self.next_look:
            return
        self.next_look = now + LOOK_S
        late = [one for one in self.connections if one.stage is not Stage.WORKING and one.deadline <= now]
        for connection in late:
            if connection.head and connection.stage in {Stage.HEAD, Stage.BODY}:
                with suppress(OSError):
                    connection.sock.send(refusal(HTTPStatus.REQUEST_TIMEOUT))
            self.close(connection)

    def wait(self, connection: Connection, stage: Stage, seconds: float, events: int = selectors.EVENT_READ) -> None:
        connection.wait(stage, seconds)
        self.poller.register(connection.sock, events, partial(self.on_event, connection))

    def leave(self, connection: Connection) -> None:
        with suppress(KeyError, ValueError):
            self.poller.unregister(connection.sock)

    def on_event(self, connection: Connection, _sock: object) -> None:
        """Go on with a connection; whatever is wrong with it ends it alone."""
        steps = {
            Stage.IDLE: self.receive_head,
            Stage.HEAD: self.receive_head,
            Stage.BODY: self.receive_body,
            Stage.SENDING: self.send,
            Stage.FOLLOWING: self.discard,
            Stage.CLOSING: self.discard,
        }
        self.try_to(steps.get(connection.stage, lambda _connection: None), connection)

    def try_to(self, step: Any, connection: Connection) -> None:
        try:
            step(connection)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.close(connection)
        except Exception:
            self.log.exception("A connection was closed.")
            self.close(connection)

    def receive_head(self, connection: Connection) -> None:
        data = connection.sock.recv(PIECE_BYTES)
        if not data:
            self.close(connection)
            return
        if connection.stage is Stage.IDLE:
            connection.wait(Stage.HEAD, self.patience.head_s)
        self.add_head(connection, data)

    def add_head(self, connection: Connection, data: bytes) -> None:
        if connection.has_head(data):
            self.leave(connection)
            self.begin(connection)
        elif len(connection.head) > self.patience.head_bytes:
            self.leave(connection)
            connection.outgoing.sendall(refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
            self.linger(connection)

    def begin(self, connection: Connection) -> None:
        """Parse a header; then wait for the body, or let a thread answer."""
        try:
            connection.parse()
        except StopIteration:
            self.close(connection)
        except Exception as error:  # noqa: BLE001 - gunicorn tells the client what is wrong
            self.handle_error(connection.request, connection.outgoing, connection.client, error)
            self.linger(connection)
        else:
            if connection.missing > 0:
                self.wait(connection, Stage.BODY, self.patience.body_s)
            else:
                self.work(connection, self.answer)

    def receive_body(self, connection: Connection) -> None:
        data = connection.sock.recv(PIECE_BYTES)
        if not data:
            self.close(connection)
            return
        try:
            connection.incoming.add(data)
        except OSError as error:  # a large body is kept in a temporary file
            self.log.error("A request was not kept: %s. Make room where temporary files are.", error)  # noqa: TRY400 - said whole
            self.leave(connection)
            connection.outgoing.sendall(refusal(HTTPStatus.INSUFFICIENT_STORAGE))
            self.linger(connection)
            return
        connection.missing -= len(data)
        connection.progress(len(data), self.patience.body_s)
        if connection.missing <= 0:
            self.leave(connection)
            self.work(connection, self.answer)

    def work(self, connection: Connection, what: Any) -> None:
        connection.stage = Stage.WORKING
        connection.pool = connection.pool or self.pool_for(connection)
        done: Future[None] = connection.pool.submit(what, connection)
        done.add_done_callback(lambda future: self.method_queue.defer(self.worked, connection, future))

    def pool_for(self, connection: Connection) -> Executor:
        if connection.request.path in self.patience.probed:
            return self.probes
        pool: Executor = self.uploads if connection.incoming.live else self.tpool
        return pool

    def answer(self, connection: Connection) -> None:
        """Call the application (in a thread)."""
        request = connection.request
        try:
            self.cfg.pre_request(self, request)
            connection.response, connection.environ = wsgi.create(
                request, connection.outgoing, connection.client, connection.server, self.cfg
            )
            connection.environ["wsgi.multithread"] = True
            connection.environ[FEEDS] = True
            self.count_request()
            if connection.must_close or not self.alive or not self.cfg.keepalive:
                connection.response.force_close()
            connection.answer = self.wsgi(connection.environ, connection.response.start_response)
            connection.feed = getattr(connection.answer, "feed", None)
            if connection.feed:
                connection.response.force_close()
            connection.pieces = iter(connection.answer)
        except Exception as error:  # noqa: BLE001 - gunicorn logs it and answers
            self.handle_error(request, connection.outgoing, connection.client, error)
            self.end_answer(connection, whole=False)
        else:
            self.produce(connection)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Log an error as gunicorn does, and answer it as the API answers errors."""
        heard = Heard()
        super().handle_error(req, heard, addr, exc)
        client.sendall(refusal(heard.status))

    def count_request(self) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False

    def produce(self, connection: Connection) -> None:
        """Write pieces of the answer until the client takes no more at once (in a thread)."""
        try:
            for piece in connection.pieces or ():
                connection.response.write(piece)
                if connection.outgoing.held:
                    return
            if connection.feed is None:
                connection.response.close()
        except OSError:
            self.end_answer(connection, whole=False)
            raise
        except Exception:
            self.log.exception("An answer ended in the middle.")
            self.end_answer(connection, whole=False)
        else:
            self.end_answer(connection, whole=True)

    def end_answer(self, connection: Connection, *, whole: bool) -> None:
        """Log it, and close the file or whatever it was read from (in a thread)."""
        connection.finished = True
        connection.must_close = connection.must_close or not whole or connection.response.should_close()
        took = datetime.now() - connection.began  # noqa: DTZ005 - see Connection.begin
        if connection.response and connection.response.status:
            self.log.access(connection.response, connection.request, connection.environ, took)
        if hasattr(connection.answer, "close"):
            connection.answer.close()
        if connection.feed and not whole:
            connection.feed.close()
            connection.feed = None
        self.cfg.post_request(self, connection.request, connection.environ, connection.response)

    def worked(self, connection: Connection, done: "Future[None]") -> None:
        error = done.exception()
        if error and not isinstance(error, OSError):
            self.log.error("A request failed: %r", error)
        if error:
            self.close(connection)
        else:
            self.try_to(self.go_on, connection)

    def go_on(self, connection: Connection) -> None:
        """Send the rest, get more, or end."""
        if connection.outgoing.held:
            self.wait(connection, Stage.SENDING, self.patience.send_s, selectors.EVENT_WRITE)
        elif not connection.finished:
            self.work(connection, self.produce)
        elif connection.feed:
            self.follow(connection, connection.feed)
        elif connection.must_close or not self.alive:
            self.linger(connection)
        else:
            self.keep(connection)

    def follow(self, connection: Connection, feed: Feed) -> None:
        """Let the application send more by and by. Until then the connection costs what it holds, and no thread."""
        if not connection.is_followed and (not self.alive or self.followed() >= self.most // 2):
            self.end_feed(connection)  # its client asks again, and is told what is so by then
            return
        self.wait(connection, Stage.FOLLOWING, math.inf)
        if not connection.is_followed:
            connection.is_followed, connection.answer, connection.pieces, connection.environ = True, None, None, {}
            defer = self.method_queue.defer
            send = partial(defer, self.try_to_push, connection)
            feed.open(Outlet(send, partial(defer, self.try_to, self.end_feed, connection)))

    def followed(self) -> int:
        return sum(1 for connection in self.connections if connection.is_followed)

    def try_to_push(self, connection: Connection, data: bytes) -> None:
        self.try_to(partial(self.push, data=data), connection)

    def push(self, connection: Connection, data: bytes) -> None:
        """Send a part of an answer that goes on. A client that does not take it is let go."""
        if connection.stage is Stage.GONE or connection.feed is None:
            return
        connection.response.write(data)
        if len(connection.outgoing.held) > self.patience.feed_bytes:
            self.close(connection)
        elif connection.outgoing.held and connection.stage is Stage.FOLLOWING:
            self.leave(connection)
            self.wait(connection, Stage.SENDING, self.patience.send_s, selectors.EVENT_WRITE)

    def end_feed(self, connection: Connection) -> None:
        """End an answer that goes on, and let the client read it."""
        if connection.stage is Stage.GONE or connection.feed is None:
            return
        connection.feed.close()
        connection.feed, connection.is_followed = None, False
        connection.response.close()
        if connection.stage is not Stage.SENDING:
            self.leave(connection)
            self.go_on(connection)

    def send(self, connection: Connection) -> None:
        connection.progress(connection.outgoing.flush(), self.patience.send_s)
        if not connection.outgoing.held:
            self.leave(connection)
            self.go_on(connection)

    def keep(self, connection: Connection) -> None:
        """Wait for another request, which may be here already."""
        rest, connection.pool = connection.next_request(), None
        self.wait(connection, Stage.HEAD if rest else Stage.IDLE, self.patience.head_s if rest else self.cfg.keepalive)
        if rest:
            self.add_head(connection, rest)

    def linger(self, connection: Connection) -> None:
        """Let the client read the answer: a connection that is closed while it sends is reset, and loses it."""
        connection.outgoing.flush()
        connection.sock.shutdown(socket.SHUT_WR)
        self.wait(connection, Stage.CLOSING, self.patience.linger_s)

    def discard(self, connection: Connection) -> None:
        if not connection.sock.recv(PIECE_BYTES):
            self.close(connection)

    def close(self, connection: Connection) -> None:
        """End it, wherever it is."""
        if connection.stage is Stage.GONE:
            return
        self.leave(connection)
        working, connection.stage = connection.stage is Stage.WORKING, Stage.GONE
        if connection.feed and not working:
            connection.feed.close()
        self.connections.discard(connection)
        connection.sock.close()
        connection.incoming.held.close()
        if connection.answer is not None and not connection.finished and not working:
            self.tpool.submit(self.end_answer, connection, whole=False)


def room(wanted: int) -> int:
    """Return how many connections there is room for: each may hold a descriptor for itself and one for a video."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + OTHER_FILES
    if soft < needed:
        soft = min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(wanted, (soft - OTHER_FILES) // 2))

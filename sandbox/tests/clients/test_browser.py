"""A person's browser against real servers at two addresses of one port."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from sandbox.clients.browser import Browser, Tab
from sandbox.clients.diary import Diary, Visit, read
from sandbox.clients.figures import RecordMove, cost
from sandbox.clients.resolver import Resolver
from sandbox.dns.nameserver import NameServer
from sandbox.ports import free_port
from sandbox.systems import ADDRESSES

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "127.0.0.3"])


class Small(ThreadingHTTPServer):
    """A system of a few answers.

    ``hang_up`` makes it close connections: ``kept`` ones at their next request, every one at its ``first``, or
    ``midway`` through an answer.
    """

    daemon_threads = True

    def __init__(self, address: str, port: int) -> None:
        super().__init__((address, port), _Handler)
        self.hang_up = ""


class _Handler(BaseHTTPRequestHandler):
    server: Small
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.served = 0

    def answer(self) -> None:
        if self.server.hang_up == "first" or (self.server.hang_up == "kept" and self.served):
            self.close_connection = True
            return
        self.served += 1
        midway = self.close_connection = self.server.hang_up == "midway"
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status = {"/broken": 500, "/members": 302}.get(self.path, 200)
        self.send_response(status)
        self.send_header("Content-Length", "5")
        if status == 302:
            self.send_header("Location", "/auth/login/?next=/members")
        self.end_headers()
        self.wfile.write(b"hel" if midway else b"hello")

    do_GET = do_POST = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class World:
    """Two systems, the record between them, and what happened."""

    name_server: NameServer
    systems: dict[str, Small]
    port: int
    file: Path
    written: StringIO = field(default_factory=StringIO)

    def point_at(self, system: str, ttl_s: int = 0) -> None:
        update = self.name_server.new_update()
        update.replace("www", ttl_s, "A", ADDRESSES[system])
        self.name_server.send(update)

    def visit(self, work: Callable[[Browser], Coroutine[Any, Any, None]]) -> list[Visit]:
        """Let a person do something; return their diary."""

        async def visit() -> None:
            resolver = Resolver((self.name_server.host, self.name_server.port))
            systems = {address: system for system, address in ADDRESSES.items()}
            browser = Browser("ana", f"http://www.people.test:{self.port}", resolver, systems, Diary(self.written))
            browser.logged_in = True
            await work(browser)
            await browser.close()

        asyncio.run(visit())
        self.file.write_text(self.written.getvalue())
        return [entry for entry in read(self.file) if isinstance(entry, Visit)]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[NameServer, dict[str, Small], int]]:
    port = free_port(*ADDRESSES.values())
    systems = {system: Small(address, port) for system, address in ADDRESSES.items()}
    threads = [threading.Thread(target=system.serve_forever, args=(0.01,)) for system in systems.values()]
    for thread in threads:
        thread.start()
    with NameServer("people.test.", "") as name_server:
        yield name_server, systems, port
    for system, thread in zip(systems.values(), threads, strict=True):
        system.shutdown()
        thread.join()
        system.server_close()


@pytest.fixture
def world(servers, tmp_path: Path) -> Iterator[World]:
    name_server, systems, port = servers
    made = World(name_server, systems, port, tmp_path / "diary.jsonl")
    made.point_at("original")
    yield made
    for system in systems.values():
        system.hang_up = ""


def test_ask__record_moves__an_open_connection_goes_on_being_used(world: World) -> None:
    async def work(browser: Browser) -> None:
        await browser.ask(Tab("original"), "look", "GET", "/")
        world.point_at("backend")
        await browser.ask(Tab("original"), "look", "GET", "/")

    visits = world.visit(work)
    assert [visit.by for visit in visits] == ["original", "original"]
    # The TTL was 0 s; the person who never asks again is counted as late.
    moved = RecordMove("original", "backend", visits[0].at - 10, visits[0].at - 5, visits[1].at, ttl_s=0)
    assert cost(visits, moved).stuck == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ask__server_closed_the_kept_connection__next_one_goes_where_the_record_says(world: World, method: str) -> None:
    async def work(browser: Browser) -> None:
        await browser.ask(Tab("original"), "look", "GET", "/")
        world.point_at("backend")
        world.systems["original"].hang_up = "kept"
        await browser.ask(Tab("original"), "look", method, "/")

    first, second = world.visit(work)
    assert (first.by, second.by) == ("original", "backend")
    assert (second.failed, second.retried, second.from_old_tab) == ("", True, True)


@pytest.mark.parametrize("hang_up", ["first", "midway"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ask__connection_breaks_that_is_new_or_has_answered__is_not_sent_twice_and_counts_as_failed(
    world: World, method: str, hang_up: str
) -> None:
    async def work(browser: Browser) -> None:
        if hang_up == "midway":
            await browser.ask(Tab("original"), "look", "GET", "/")
        world.systems["original"].hang_up = hang_up
        await browser.ask(Tab("original"), "save", method, "/")

    last = world.visit(work)[-1]
    assert (last.by, last.retried) == ("", False)
    assert "RemoteProtocolError" in last.failed


@pytest.mark.parametrize(
    ("path", "check", "failed"),
    [
        ("/broken", None, "500 instead of 200"),
        ("/", lambda answer: "" if "Luna" in answer.text else "Luna is missing", "Luna is missing"),
        ("/members", None, "logged out"),
    ],
    ids=["5xx", "wrong content", "lost session"],
)
def test_ask__answer_that_is_wrong__counts_as_failed(world: World, path: str, check: Any, failed: str) -> None:
    async def work(browser: Browser) -> None:
        await browser.ask(Tab("original"), "look", "GET", path, check=check)

    (visit,) = world.visit(work)
    assert (visit.failed, visit.session_lost) == (failed, failed == "logged out")
    moved = RecordMove("original", "backend", visit.at - 1, visit.at - 1, visit.at, ttl_s=1)
    counted = cost([visit], moved)
    assert (counted.failed, counted.sessions_lost) == (1, int(visit.session_lost))


def test_ask__status_that_the_page_handles__is_no_failure_and_is_told(world: World) -> None:
    async def work(browser: Browser) -> None:
        for system in ("original", "backend"):
            await browser.ask(Tab("backend"), "poll", "GET", "/broken", handled={system: 500})

    handled, failed = world.visit(work)
    assert (handled.failed, handled.fell_back) == ("", True)
    assert (failed.failed, failed.fell_back) == ("500 instead of 200", False)


def test_ask__no_server_listens__counts_as_failed(world: World) -> None:
    update = world.name_server.new_update()
    update.replace("www", 0, "A", "127.0.0.1")
    world.name_server.send(update)

    async def work(browser: Browser) -> None:
        await browser.ask(Tab("original"), "look", "GET", "/")

    (visit,) = world.visit(work)
    assert (visit.by, visit.status, visit.failed.startswith("ConnectError")) == ("", 0, True)

"""A browser's memory of an address, against a real name server and a clock of the test's own."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from sandbox.clients.resolver import NotResolvedError, Resolver
from sandbox.dns.nameserver import NameServer

NAME = "www.people.test"


@dataclass
class Clock:
    """Time as the test tells it."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(scope="module")
def server() -> Iterator[NameServer]:
    with NameServer("people.test.", "www 30 IN A 127.0.0.2\nalias 10 IN CNAME www") as running:
        yield running


@dataclass
class Client:
    """A resolver and its clock."""

    server: NameServer
    elapsed: float = 0.0
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        place = (self.server.host, self.server.port)
        self.resolver = Resolver(place, elapsed=self.elapsed, clock=self.clock)

    def address(self, name: str = NAME) -> str:
        return asyncio.run(self.resolver.address(name))


def move(server: NameServer, value: str) -> None:
    update = server.new_update()
    update.replace("www", 30, "A", value)
    server.send(update)


def test_address__record_moves__client_moves_when_its_ttl_is_over_and_not_before(server: NameServer) -> None:
    move(server, "127.0.0.2")
    client = Client(server)
    assert client.address() == "127.0.0.2"
    move(server, "127.0.0.3")
    client.clock.now_s += 29.9
    assert (client.address(), client.resolver.asked) == ("127.0.0.2", 1)
    client.clock.now_s += 0.1
    assert (client.address(), client.resolver.asked) == ("127.0.0.3", 2)


def test_address__somebody_had_asked_before__the_first_answer_lives_as_long_as_is_left_of_it(
    server: NameServer,
) -> None:
    move(server, "127.0.0.2")
    client = Client(server, elapsed=0.5)
    client.address()
    move(server, "127.0.0.3")
    client.clock.now_s += 14.9
    assert client.address() == "127.0.0.2"
    client.clock.now_s += 0.1
    assert client.address() == "127.0.0.3"
    move(server, "127.0.0.2")
    client.clock.now_s += 29.9
    assert client.address() == "127.0.0.3"  # the second answer was fresh


def test_address__by_an_alias__lives_as_long_as_the_shorter_record(server: NameServer) -> None:
    move(server, "127.0.0.2")
    client = Client(server)
    assert client.address("alias.people.test") == "127.0.0.2"
    move(server, "127.0.0.3")
    client.clock.now_s += 10
    assert client.address("alias.people.test") == "127.0.0.3"


def test_address__server_fails__says_so_and_asks_again_later(server: NameServer) -> None:
    move(server, "127.0.0.2")
    client = Client(server)
    with server.fault("servfail"), pytest.raises(NotResolvedError, match=f"{NAME} has no address at 127.0.0.1"):
        client.address()
    assert client.address() == "127.0.0.2"

"""A browser's own DNS cache: an address is kept as long as its record says."""

import random
import time
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary

import dns.asyncquery
import dns.exception
import dns.message
import dns.rdatatype
import httpcore

ASKED_WITHIN_S = 2.0
ATTEMPTS = 3


class NotResolvedError(Exception):
    """The name has no address, or the name server did not answer."""


class Resolver:
    """Asks a name server for A records and remembers the answer until its TTL is over.

    ``elapsed`` is how much of the first TTL is over already (0 to 1): another client asked the resolver before.
    """

    def __init__(
        self,
        server: tuple[str, int],
        *,
        elapsed: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self.server = server
        self.asked = 0
        self._elapsed = elapsed
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - which of two addresses is no secret
        self._known: dict[str, tuple[list[str], float]] = {}

    async def address(self, name: str) -> str:
        """Return an address of ``name``, from memory when that is fresh. Raises NotResolvedError."""
        known, until = self._known.get(name, ([], 0.0))
        if not known or self._clock() >= until:
            known, ttl = await self._ask(name)
            self._known[name] = known, self._clock() + ttl * (1 - self._elapsed)
            self._elapsed = 0.0
        return self._chance.choice(known)

    async def _ask(self, name: str) -> tuple[list[str], float]:
        query = dns.message.make_query(name, "A")
        for _ in range(ATTEMPTS):
            self.asked += 1
            try:
                answer = await dns.asyncquery.udp(query, self.server[0], ASKED_WITHIN_S, self.server[1])
            except (dns.exception.DNSException, OSError):
                continue
            records = [rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.A]
            if records:
                # An address behind aliases lives as long as the shortest TTL on the way.
                ttl = min(rrset.ttl for rrset in answer.answer)
                return [value.address for rrset in records for value in rrset], ttl
        raise NotResolvedError(f"{name} has no address at {self.server[0]}:{self.server[1]}")


class Connecting(httpcore.AsyncNetworkBackend):
    """Opens connections to where the resolver says.

    As browsers do: a connection that is open goes on being used, whatever DNS says by now.
    """

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        # Noted at once: a connection that has closed by the time of its answer no longer tells its address.
        self.addresses: WeakKeyDictionary[httpcore.AsyncNetworkStream, str] = WeakKeyDictionary()
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve and connect."""
        try:
            address = await self.resolver.address(host)
        except NotResolvedError as error:
            raise httpcore.ConnectError(str(error)) from error
        stream = await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
        self.addresses[stream] = address
        return stream

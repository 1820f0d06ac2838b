"""UDP and TCP on one port of this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

from sandbox.dns.faults import DnsFault
from sandbox.dns.responder import Responder

LOOPBACK = "127.0.0.1"


class Listener(asyncio.DatagramProtocol):
    """Takes requests to a responder and answers back."""

    def __init__(self, responder: Responder) -> None:
        self.responder = responder
        self.transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        """Listen for a while. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        async with await asyncio.start_server(self._connected, LOOPBACK, port):
            udp, _ = await loop.create_datagram_endpoint(lambda: self, (LOOPBACK, port))
            try:
                yield
            finally:
                udp.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a request that came by UDP."""
        task = asyncio.ensure_future(self._answer_udp(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_udp(self, data: bytes, addr: tuple[str, int]) -> None:
        for answer in await self._answers(data, over_tcp=False):
            assert self.transport is not None  # noqa: S101 - for the types
            self.transport.sendto(answer, addr)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The client may hang up at any time.
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = int.from_bytes(await reader.readexactly(2))
                for answer in await self._answers(await reader.readexactly(length), over_tcp=True):
                    writer.write(len(answer).to_bytes(2) + answer)
                await writer.drain()
        writer.close()

    async def _answers(self, data: bytes, *, over_tcp: bool) -> list[bytes]:
        fault: DnsFault = self.responder.fault
        request = self.responder.kind(data)
        if fault.hits("silent", request):
            return []
        if fault.hits("slow", request):
            await asyncio.sleep(fault.seconds)
        return list(self.responder.answers(data, over_tcp=over_tcp))

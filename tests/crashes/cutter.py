"""A network that breaks: every connection goes through here, and all of them can be cut at once."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any

from sandbox.ports import LOOPBACK

AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close by a reset, without sending what is left
BLOCK = 65_536


class Cutter:
    """Forwards connections from a port of its own to others."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._writers: dict[int, set[asyncio.StreamWriter]] = {}
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="cutter", daemon=True)
        self._thread.start()

    def to(self, port: int) -> int:
        """Return a port whose connections go on to ``port``."""
        return self._run(self._listen(port))

    def cut(self, port: int) -> int:
        """Cut all connections that go on to ``port``; return how many there were."""
        return self._run(self._cut(port))

    def close(self) -> None:
        """Cut everything and end."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, int]) -> int:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _listen(self, port: int) -> int:
        self._writers[port] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._carry(port, reader, writer)

        server = await asyncio.start_server(connected, LOOPBACK, 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _carry(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            reset(writer)
            return
        both = {writer, there_writer}
        self._writers[port] |= both
        # Whatever ends one direction, no side is left waiting for the other.
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer), return_exceptions=True)
        for each in both:
            each.close()
        self._writers[port] -= both

    async def _close(self) -> int:
        for server in self._servers:
            server.close()
        for port in self._writers:
            await self._cut(port)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)
        return len(others)

    async def _cut(self, port: int) -> int:
        doomed = list(self._writers[port])
        for writer in doomed:
            reset(writer)
        return len(doomed) // 2


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while block := await reader.read(BLOCK):
            writer.write(block)
            await writer.drain()
        writer.close()
    except OSError:
        reset(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a broken network does."""
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()

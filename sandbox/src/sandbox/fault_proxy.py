"""A TCP proxy before a server that makes the faults of a network and of a server in trouble. The server sees none."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sandbox.ports import LOOPBACK

CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Fault:
    """What clients see of the server.

    Attributes
    ----------
    down
        Every connection is reset.
    delay_s
        Each answer begins so much later.
    flapping
        Every second connection is reset.
    answers
        Sent instead of the server's first answer; then the connection ends.
    """

    down: bool = False
    delay_s: float = 0.0
    flapping: bool = False
    answers: bytes | None = None


WELL = Fault()
DOWN = Fault(down=True)
SLOW = Fault(delay_s=10.0)
FLAPPING = Fault(flapping=True)
GARBAGE = Fault(answers=bytes(range(256)) * 4)


class FaultProxy:
    """Passes connections on to a server, with the faults that are set; listens on this machine only.

    Attributes
    ----------
    port
        Where it listens, from its start on.
    asked_bytes, answered_bytes
        How much has passed in each direction.
    """

    def __init__(self, host: str, port: int) -> None:
        self.port = self.asked_bytes = self.answered_bytes = 0
        self._target = host, port
        self._fault = WELL
        self._connections = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, LOOPBACK, 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def set(self, fault: Fault) -> None:
        """Show this fault from now on; an answer that is held back by the one before goes on."""
        self._run(self._set(fault))

    def _run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()

    async def _set(self, fault: Fault) -> None:
        self._fault = fault
        self._changed.set()
        self._changed = asyncio.Event()
        if fault.down or fault.flapping:
            self._cut()

    async def _end(self) -> None:
        self._server.close()
        self._changed.set()
        self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._connections += 1
        if self._fault.down or (self._fault.flapping and self._connections % 2):
            client.transport.abort()
            return
        try:
            from_server, server = await asyncio.open_connection(*self._target)
        except OSError:
            client.transport.abort()
            return
        self._open |= {client, server}
        try:
            asked = asyncio.Event()
            await asyncio.gather(self._copy(reader, server, asked), self._answer(from_server, client, asked))
        finally:
            self._open -= {client, server}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event) -> None:
        # Either side may end at any time, which ends the other.
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                self.asked_bytes += len(data)
                asked.set()
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK_BYTES):
                if self._fault.delay_s and asked.is_set():
                    asked.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._changed.wait(), self._fault.delay_s)
                if self._fault.answers is not None:
                    writer.write(self._fault.answers)
                    break
                self.answered_bytes += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

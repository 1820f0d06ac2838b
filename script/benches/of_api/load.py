"""An open loop: requests begin when they are due, however many are still unanswered, and wait from then on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

GIVE_UP_S = 30.0
NO_BODY = {204, 304}


@dataclass
class BenchRequest:
    """One request of a route, and what is done with its answer."""

    route: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    refused: int = 0  # the status of a refusal that is right here
    then: Callable[[int, dict[str, str], bytes], None] = lambda *_: None

    def encoded(self) -> bytes:
        """Return what is sent."""
        headers = {"Host": "127.0.0.1", **self.headers}
        if self.method not in {"GET", "HEAD"}:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


@dataclass
class Measured:
    """What came of a load: milliseconds of each route from when a request was due, and what was no success."""

    took_ms: dict[str, list[float]] = field(default_factory=dict)
    statuses: dict[str, dict[int, int]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    late_ms: float = 0.0

    def note(self, request: BenchRequest, status: int, ms: float, body: bytes) -> None:
        self.took_ms.setdefault(request.route, []).append(ms)
        of_route = self.statuses.setdefault(request.route, {})
        of_route[status] = of_route.get(status, 0) + 1
        if status >= 400 and status != request.refused:  # noqa: PLR2004 - the statuses of errors begin here
            self.wrong.append(f"{request.method} {request.path} answers {status}: {body[:300]!r}")


class Connections:
    """Kept connections to one server."""

    def __init__(self, address: str, port: int) -> None:
        self.address, self.port = address, port
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.opened: list[asyncio.StreamWriter] = []

    async def ask(self, request: BenchRequest) -> tuple[int, dict[str, str], bytes]:
        """Send a request; return status, headers and body of its answer."""
        reader, writer, status, headers = await self._head(request)
        length = 0 if status in NO_BODY or request.method == "HEAD" else int(headers.get("content-length", "-1"))
        body = await (reader.readexactly(length) if length >= 0 else reader.read())
        if length < 0 or headers.get("connection", "").lower() == "close":
            writer.close()
        else:
            self.idle.append((reader, writer))
        return status, headers, body

    async def _head(
        self, request: BenchRequest
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, int, dict[str, str]]:
        while self.idle:
            reader, writer = self.idle.pop()
            if reader.at_eof():  # the server has closed it meanwhile
                writer.close()
                continue
            writer.write(request.encoded())
            try:
                return reader, writer, *await read_head(reader)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                if getattr(error, "partial", b""):
                    raise
                writer.close()  # it was closing it: as a browser does, send it once more
        reader, writer = await asyncio.open_connection(self.address, self.port)
        self.opened.append(writer)
        writer.write(request.encoded())
        return reader, writer, *await read_head(reader)

    async def close(self) -> None:
        """Close all."""
        for writer in self.opened:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Return status and headers, in small letters."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def run(address: str, port: int, requests: Iterator[BenchRequest], *, rate: float, seconds: float) -> Measured:
    """Send ``rate`` requests a second for so long."""
    connections, measured, running = Connections(address, port), Measured(), set()

    async def one(request: BenchRequest, due: float) -> None:
        try:
            status, headers, body = await asyncio.wait_for(connections.ask(request), GIVE_UP_S)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            measured.wrong.append(f"{request.method} {request.path} has no answer: {error!r}")
            return
        measured.note(request, status, (time.perf_counter() - due) * 1000, body)
        request.then(status, headers, body)

    begin = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = begin + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        measured.late_ms = max(measured.late_ms, (time.perf_counter() - due) * 1000)
        task = asyncio.ensure_future(one(next(requests), due))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    await connections.close()
    return measured


class Readers:
    """Clients that follow tasks and read what comes."""

    def __init__(self) -> None:
        self.streams: list[tuple[asyncio.Task[None], asyncio.StreamWriter]] = []

    async def open(self, address: str, port: int, requests: list[BenchRequest], *, at_once: int = 8) -> None:
        """Open one stream for each request, and wait for its first event."""
        for begin in range(0, len(requests), at_once):
            await asyncio.gather(*(self._open(address, port, one) for one in requests[begin : begin + at_once]))

    async def _open(self, address: str, port: int, request: BenchRequest) -> None:
        reader, writer = await asyncio.open_connection(address, port)
        writer.write(request.encoded())
        status, headers = await read_head(reader)
        if status != 200 or not headers["content-type"].startswith("text/event-stream"):  # noqa: PLR2004 - OK
            raise SystemExit(f"bench api: {request.path} answers {status} and no stream")
        await reader.readuntil(b"event: task")
        self.streams.append((asyncio.ensure_future(self._read(reader)), writer))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(65536):
            pass

    def still_open(self) -> int:
        """Return how many streams have not ended."""
        return sum(not task.done() for task, _ in self.streams)

    def close(self) -> None:
        """Leave."""
        for task, writer in self.streams:
            task.cancel()
            writer.close()

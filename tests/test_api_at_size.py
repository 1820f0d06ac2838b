"""``script/bench api``: its clients do as users do, and a small run reaches every address."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from itertools import repeat

import pytest

from sandbox import house
from sandbox.ports import LOOPBACK

BENCHES = house.ROOT / "script" / "benches"
sys.path.insert(0, str(BENCHES))

from of_api.load import BenchRequest, Connections, Measured, run  # noqa: E402 - a part of the bench

GET = BenchRequest("list", "GET", "/", {})
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"
Answer = Callable[[int], Awaitable[bytes]]


def asked(answer: Answer, *, number: int) -> Measured:
    """Send so many requests to a server; ``answer`` is given the number of the request."""

    async def both() -> Measured:
        arrived, gone = 0, []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal arrived
            gone.append(writer)
            while await reader.read(65536):
                arrived += 1
                said = await answer(arrived)
                if not said:
                    break
                writer.write(said)
            writer.close()

        server = await asyncio.start_server(serve, LOOPBACK, 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            measured = await run(LOOPBACK, port, repeat(GET), rate=1000, seconds=number / 1000)
            for writer in gone:
                await writer.wait_closed()
        return measured

    return asyncio.run(both())


def test_load__request_without_an_answer__does_not_keep_the_next_from_being_sent():
    """Or a server that stalls would be asked less, and its figures would be good."""
    second_is_here = asyncio.Event()

    async def answer(number: int) -> bytes:
        if number == 1:
            await asyncio.wait_for(second_is_here.wait(), 30)
        second_is_here.set()
        return FINE

    measured = asked(answer, number=2)
    assert (len(measured.took_ms["list"]), measured.statuses, measured.wrong) == (2, {"list": {200: 2}}, [])


def test_load__error_or_no_answer__is_told():
    async def fails(_: int) -> bytes:
        return b"HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\noops"

    async def hangs_up(_: int) -> bytes:
        return b""

    failed = asked(fails, number=1)
    assert (failed.wrong, failed.statuses) == (["GET / answers 500: b'oops'"], {"list": {500: 1}})
    (told,) = asked(hangs_up, number=1).wrong
    assert told.startswith("GET / has no answer: IncompleteReadError")


def test_load__connection_that_the_server_has_closed__is_replaced():
    """As a browser does: a server closes what was idle for long."""

    async def one_by_one() -> list[int]:
        closed = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(FINE)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            closed.set()

        server = await asyncio.start_server(serve, LOOPBACK, 0)
        connections, statuses = Connections(LOOPBACK, server.sockets[0].getsockname()[1]), []
        async with server:
            for _ in range(3):
                statuses.append((await connections.ask(GET))[0])
                await closed.wait()
                closed.clear()
            await connections.close()
        return statuses

    assert asyncio.run(one_by_one()) == [200, 200, 200]


@pytest.mark.full
def test_bench__small__asks_every_address_within_12_queries():
    sizes = ["--rows", "2000", "--seconds", "5", "--rate", "20", "--readers", "10"]
    command = [sys.executable, str(BENCHES / "api.py"), *sizes]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout)
    assert (figures["wrong_answers"], figures["sse_readers"]) == (0, 10), done.stderr[-3000:]
    assert figures["worst_queries"] <= 12
    assert {"list", "one", "poll", "search"} <= set(figures["routes"])
    assert set(figures["pages"]) == {
        "choreography/tasks",
        *(f"collections {sort}" for sort in ("newest", "oldest", "title", "duration")),
    }

"""``python -m sandbox.forward LISTEN TARGET PORT...``: pass TCP connections on to another address, port by port."""

import asyncio
import signal
import sys
from contextlib import suppress
from functools import partial

PIECE_BYTES = 64 * 1024


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(PIECE_BYTES):
            sink.write(piece)
            await sink.drain()
    with suppress(OSError, RuntimeError):
        sink.write_eof() if sink.can_write_eof() else sink.close()


async def _serve(target: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        there, back = await asyncio.open_connection(target, port)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
    for end in (back, writer):
        end.close()


async def _run(listen: str, target: str, ports: list[int]) -> None:
    servers = [await asyncio.start_server(partial(_serve, target, port), listen, port) for port in ports]
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await over.wait()
    for server in servers:
        server.close()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], sys.argv[2], [int(port) for port in sys.argv[3:]]))

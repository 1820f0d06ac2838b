"""``python -m sandbox.dns ORIGIN ZONE KEY``: serve a zone until interrupted.

The address is the first line of the output. A line of input sets a fault (``slow 2 updates``, ``well``) and is
answered by one line of output.
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from sandbox.dns.errors import FaultUnknownError
from sandbox.dns.faults import DnsFault
from sandbox.dns.key import Key
from sandbox.dns.listener import LOOPBACK, Listener
from sandbox.dns.responder import Responder
from sandbox.dns.zone import Zone
from sandbox.errors import SandboxError
from sandbox.logs import open_log


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.dns", description="Serve a zone on 127.0.0.1.")
    parser.add_argument("origin", help="the zone's name, as example.test.")
    parser.add_argument("zone", type=Path, help="file of its records")
    parser.add_argument("key", type=Path, help="file of one line: name, algorithm, secret in base64")
    parser.add_argument("--port", type=int, default=5353, help="default %(default)s")
    parser.add_argument("--log", type=Path, help="file for errors (default: standard error)")
    arguments = parser.parse_args()
    if arguments.log:
        with open_log(arguments.log) as log:
            os.dup2(log.fileno(), sys.stderr.fileno())
    try:
        responder = Responder(Zone(arguments.origin, arguments.zone.read_text()), Key.read(arguments.key))
        asyncio.run(serve(responder, arguments.port))
    except (SandboxError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


async def serve(responder: Responder, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with Listener(responder).listening(port):
        say(f"{LOOPBACK}:{port}")
        loop.add_reader(sys.stdin, obey, responder)
        await ended.wait()


def obey(responder: Responder) -> None:
    """Set the fault that the next line of input names."""
    line = sys.stdin.readline()
    if not line:
        asyncio.get_running_loop().remove_reader(sys.stdin)
        return
    try:
        responder.fault = DnsFault.parse(line)
    except FaultUnknownError as error:
        say(" ".join(str(error).split()))
    else:
        say("ok")


def say(line: str) -> None:
    """Write one line of output."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

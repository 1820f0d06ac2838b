"""``python -m sandbox.postgres FOLDER``: run a server until Ctrl-C."""

import argparse
import signal
import sys
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.postgres.cluster import ROLES
from sandbox.postgres.data_folder import LOG, PASSWORDS
from sandbox.postgres.launch import HOST
from sandbox.postgres.server import Server

ENDS = {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD}  # the last one: the server ended by itself


def main() -> int:
    """Start, say where everything is, wait."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.postgres", description="Run PostgreSQL.")
    parser.add_argument("folder", type=Path, help="data folder; made when missing")
    parser.add_argument("--port", type=int, help="default: a free one")
    arguments = parser.parse_args()
    try:
        with Server(arguments.folder, port=arguments.port) as server:
            # Blocked only now: the server would inherit it.
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
            _say(server)
            return 1 if signal.sigwait(ENDS) == signal.SIGCHLD else 0
    except SandboxError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1


def _say(server: Server) -> None:
    lines = (
        f"postgresql://ROLE:PASSWORD@{HOST}:{server.port}/DATABASE",
        f"roles      {', '.join(ROLES)}",
        f"passwords  {server.folder / PASSWORDS}",
        f"log        {server.folder / LOG}",
        "Ctrl-C ends it.",
    )
    print("\n".join(lines), flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

"""The whole installation on this machine, until Ctrl-C: PostgreSQL, the original, the backend and its worker."""

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import sql

from sandbox import house
from sandbox.errors import SandboxError
from sandbox.ports import require_free
from sandbox.postgres import Database, Server, reachable
from sandbox.systems import Place, Systems, keep, running

DATABASE = "compas"


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="script/server", description="Run the whole house on this machine.")
    parser.add_argument("--port", type=int, default=8000, help="of the backend (default %(default)s)")
    parser.add_argument("--original-port", type=int, default=8001, help="of the original (default %(default)s)")
    parser.add_argument("--folder", type=Path, default=house.LOCAL, help="of its data (default .local)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with whole_house(arguments.folder.absolute(), arguments.port, arguments.original_port) as systems:
            say("backend", f"{systems.backend_url}   register, choose a song, dance")
            say("original", f"{systems.original_url}   the same accounts, the same videos")
            say("", "Ctrl-C stops everything.")
            keep(systems.running, say=say)
    except KeyboardInterrupt:
        return 0
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1


def say(name: str, text: str) -> None:
    """Print a line for people."""
    print(f"{name:10} {text}", file=sys.stderr, flush=True)


@contextmanager
def whole_house(folder: Path, port: int, original_port: int) -> Iterator[Systems]:
    """Start everything that lies in ``folder``, making what is missing."""
    require_free(port, original_port)  # before the work of making a database
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with Server(reachable(folder / "postgres")) as server:
        say("postgres", f"ready on port {server.port} after {time.monotonic() - began:.1f} s, data in {server.folder}")
        _build_database(server)
        place = Place(folder, house.moves_library(folder / "media" / "Bachata_steps"), collects=True)
        demo = house.demo_song(folder / "demo" / "Noche de demo.mp3", seconds=75)
        house.add_song(place.environment(server.url("backend_app", DATABASE)), demo)
        with running(Database(DATABASE, server), place, port=port, original_port=original_port) as systems:
            say("ready", f"after {time.monotonic() - began:.1f} s")
            yield systems


def _build_database(server: Server) -> None:
    if DATABASE not in server.databases():
        say("database", "the original's migrations, handover adopt")
        unfinished = f"{DATABASE}_unfinished"
        if unfinished in server.databases():
            server.drop_database(unfinished)
        house.build_original(server, unfinished)
        house.adopt(server, unfinished)
        with server.connect() as connection:
            names = sql.Identifier(unfinished), sql.Identifier(DATABASE)
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))
    house.migrate_backend(server, DATABASE)


if __name__ == "__main__":
    sys.exit(main())

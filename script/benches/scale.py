"""What one choreography, one request and one row cost: the inputs of docs/explanation/scale.md, measured here.

Processor seconds and bytes, which depend less on what else runs than times do. Requests are the mix of `script/bench
api`, at a low rate, on a database of --rows choreographies.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import api
import generate
import psycopg
from of_api.load import run
from rich.console import Console
from rich.table import Table

from sandbox import house
from sandbox.fixtures import server_for_this_run
from sandbox.ports import LOOPBACK, free_port
from sandbox.postgres import Database, Server
from sandbox.systems import Place, Systems, running

ONE_RUN = """
import json, resource, sys
from pathlib import Path
import bachateo
song, out, library, cache = map(Path, sys.argv[1:])
bachateo.make(song, out, library=library, cache=cache)
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({
    "cpu_s": sum(one.ru_utime + one.ru_stime for one in used),
    "rss_mb": max(one.ru_maxrss for one in used) / 1024,
    "video_mb": out.stat().st_size / 1e6,
}))
"""
# So many rows are written by themselves, so that what an empty database holds is not counted.
SIZE = "SELECT pg_database_size(current_database())"
LIMITS = api.LIMITS | {"PARALLEL_RUNNING_LIMIT": "100000", "USER_RUNNING_LIMIT": "100000"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench scale", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="choreographies of each kind (default %(default)s)")
    parser.add_argument("--rows", type=int, default=50_000, help="choreographies and tasks (default %(default)s)")
    parser.add_argument("--rate", type=float, default=20, help="requests in a second (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="of the load (default %(default)s)")
    arguments = parser.parse_args()
    os.environ.update(LIMITS)
    figures = choreographies(arguments.runs) | service(arguments)
    shown = Table("what", "measured", title="what one of each costs", title_justify="left")
    for name, value in figures.items():
        shown.add_row(name, str(value))
    Console(stderr=True).print(shown)
    print(json.dumps(figures))


def choreographies(runs: int) -> dict[str, float]:
    """Make a song of three minutes anew and again, each in a cold process."""
    library, song = house.moves_library(), generate.demo_song(180)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made(song, library, folder / "warm-up")
        new = [made(song, library, folder / str(number)) for number in range(runs)]
        known = [made(song, library, folder / "warm-up") for _ in range(runs)]
    return {
        "new_cpu_s": middle(new, "cpu_s"),
        "known_cpu_s": middle(known, "cpu_s"),
        "run_rss_mb": middle(new, "rss_mb"),
        "video_mb": middle(new, "video_mb"),
    }


def made(song: Path, library: Path, folder: Path) -> dict[str, float]:
    """Make one choreography; return what it cost."""
    argv = [sys.executable, "-c", ONE_RUN, str(song), str(folder / "video.mp4"), str(library), str(folder / "cache")]
    return dict(json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout))


def middle(runs: list[dict[str, float]], name: str) -> float:
    """Return the median of one figure."""
    return round(statistics.median(run[name] for run in runs), 3)


def service(arguments: argparse.Namespace) -> dict[str, float]:
    """Fill a database, ask the API, and take jobs from the queue."""
    library = house.moves_library()
    with tempfile.TemporaryDirectory() as folder, server_for_this_run() as server:
        house.build_original(server, "original")
        house.build_adopted(server, "compas", "original")
        database, place = Database("compas", server), Place(Path(folder), library)
        (place.media / "songs").mkdir(parents=True)
        place.put_song(api.SONG, house.demo_song().read_bytes())
        environment = place.environment(database.url("backend_app"))
        empty = size(database)
        users = max(2, arguments.rows // 20)
        sizes = ["--rows", str(arguments.rows), "--users", str(users), "--active", str(min(api.ACTIVE, users - 1))]
        filled = api.told_by("fill", environment, sizes)
        row_bytes = (size(database) - empty) / arguments.rows
        with running(database, place, port=free_port(), original_port=free_port()) as systems:
            asked = requests(systems, filled, server, arguments)
        takes = taken(environment)
    return asked | takes | {"row_bytes": round(row_bytes)}


def size(database: Database) -> int:
    """Return how many bytes a database has on disk."""
    with psycopg.connect(database.url("owner")) as session:
        found = session.execute(SIZE).fetchone()
    return int(found[0]) if found else 0


def requests(
    systems: Systems, filled: dict[str, Any], server: Server, arguments: argparse.Namespace
) -> dict[str, float]:
    """Ask at a rate; return what a request costs the web server and the database."""
    addresses = api.Everything(systems).addresses()
    next(system for system in systems.running if system.name == "worker").stop()
    mixed = api.Mixed(filled["people"], addresses)
    web = api.workers_of(next(system for system in systems.running if system.name == "backend").process.pid)
    port = int(urlsplit(systems.backend_url).port or 0)

    async def ask() -> dict[str, float]:
        await mixed.first_looks(LOOPBACK, port)
        await run(LOOPBACK, port, mixed.requests(), rate=arguments.rate, seconds=5)
        before = api.cpu_s(web), of_tree(server.pid)
        measured = await run(LOOPBACK, port, mixed.requests(), rate=arguments.rate, seconds=arguments.seconds)
        number = sum(map(len, measured.took_ms.values()))
        if measured.wrong:
            raise SystemExit(f"{len(measured.wrong)} answers were wrong; the first: {measured.wrong[0]}")
        return {
            "request_web_ms": round((api.cpu_s(web) - before[0]) / number * 1000, 2),
            "request_database_ms": round((of_tree(server.pid) - before[1]) / number * 1000, 2),
            "web_rss_mb": round(api.rss_kb(web) / 1024),
        }

    return asyncio.run(ask())


def of_tree(pid: int | None) -> float:
    """Return how long a server and its sessions have been on processors, also those that have ended."""
    children = api.workers_of(pid) if pid else []
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return own + api.cpu_s(children)


def taken(environment: dict[str, str]) -> dict[str, float]:
    """Take jobs, one after the other; return how long one takes."""
    program = Path(__file__).parent / "of_scale" / "takes.py"
    env = environment | {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(house.ROOT / "backend")}
    done = subprocess.run(
        [sys.executable, "-c", api.DJANGO, program], env=env, stdout=subprocess.PIPE, check=True, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()

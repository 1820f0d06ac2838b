"""How many choreographies a minute 1, 2 and 4 workers make on this machine, and how long people wait in a full queue.

The database, the workers and the engine are real; `manage.py worker --concurrency N` runs them. "Known" is one song
that was heard before, with another seed each time; "new" are songs that were never heard. All last three minutes. The
times are those that the database wrote: from the first task that was taken to the last that was made. `wait_p95_s` is
how long the 95th of 100 tasks waits that ten users ask for at once.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from sandbox import house, process
from sandbox.fixtures import server_for_this_run
from sandbox.postgres import Database, Server
from sandbox.shell import SystemShell, shell_of
from sandbox.systems import Place

WORKERS = (1, 2, 4)
TARGETS = {"known_per_minute": "≥ 40", "new_per_minute": "≥ 12"}
LOOK_S = 0.05
USERS = 10
# Higher than any honest user gets, and as many at once as there are workers.
LIMITS = {"USER_WAITING_LIMIT": "100000", "USER_STORED_MB": "100000000", "USER_CHOREOGRAPHIES_LIMIT": "1000000"}
PEOPLE = """
from apps.authentication.models import User
for number in range({users}):
    User.objects.get_or_create(username=f"u{{number}}", email=f"u{{number}}@example.com")
"""
ASK = """
from django.db import transaction
from apps.authentication.models import User
from apps.generation.services import start_generation
from apps.jobs.models import Job
users = list(User.objects.order_by("pk"))
Job.objects.all().delete()
with transaction.atomic():
    for number, song in enumerate({songs!r}):
        start_generation(user=users[number % len(users)], song=song, difficulty="beginner", seed={seed} + number)
"""
ENDED = (
    "SELECT count(*) FILTER (WHERE outcome IS NOT NULL), count(*) FILTER (WHERE outcome = 'failed') FROM backend.jobs"
)
COME = "SELECT count(*) FROM backend.procrastinate_workers WHERE last_heartbeat > %s"
TIMES = """
    SELECT extract(epoch FROM began_at - created_at)::float, extract(epoch FROM ended_at - min(began_at) OVER ())::float
    FROM backend.jobs ORDER BY began_at
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench throughput", description=__doc__)
    parser.add_argument("--tasks", type=int, default=60, help="known songs in each run (default %(default)s)")
    parser.add_argument("--new", type=int, default=8, help="new songs in each run (default %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="measured runs after one warm-up (default %(default)s)")
    parser.add_argument(
        "--queued", type=int, default=100, help="tasks that are asked for at once (default %(default)s)"
    )
    arguments = parser.parse_args()
    song = house.demo_song(house.LOCAL / "demo" / "bench-180.mp3", seconds=180).read_bytes()
    library = house.moves_library()
    with tempfile.TemporaryDirectory() as folder, server_for_this_run() as server:
        place = Place(Path(folder), library, more=LIMITS)
        (place.media / "songs").mkdir(parents=True)
        bench = Bench(adopted_database(server), place, song)
        by_workers = {number: bench.measured(number, arguments) for number in WORKERS}
    best = by_workers[max(WORKERS, key=lambda number: by_workers[number]["known_per_minute"])]
    figures = {**best, "workers": {str(number): figures for number, figures in by_workers.items()}}
    show(by_workers)
    print(json.dumps(figures))


def adopted_database(server: Server) -> Database:
    """Make a database that both systems use."""
    house.build_original(server, "original")
    house.build_adopted(server, "compas", "original")
    return Database("compas", server)


class Bench:
    """One database and one folder; songs that are new are made as they are needed."""

    def __init__(self, database: Database, place: Place, song: bytes) -> None:
        self.url = database.url("backend_app")
        self.session = psycopg.connect(database.url("owner"), autocommit=True)
        self.place = place
        self.song = song
        self.seed = 0
        self.songs = 0
        place.put_song("known.mp3", song)

    def measured(self, number: int, arguments: argparse.Namespace) -> dict[str, float]:
        """Return the figures of so many workers."""
        known = ["known.mp3"] * arguments.tasks
        with shell_of("backend", media=self.place.media, **LIMITS) as shell, self._workers(number):
            shell.run(self.url, PEOPLE.format(users=USERS), media=self.place.media)
            # As long as a measured run, so that each worker has loaded the engine before.
            self._run(shell, known, "warm-up")
            per_minute = {
                "known_per_minute": statistics.median(
                    self._rate(self._run(shell, known, f"{number} workers, known")) for _ in range(arguments.runs)
                ),
                "new_per_minute": statistics.median(
                    self._rate(self._run(shell, self._new(arguments.new), f"{number} workers, new"))
                    for _ in range(arguments.runs)
                ),
            }
            waits = sorted(wait for wait, _ in self._run(shell, ["known.mp3"] * arguments.queued, "full queue"))
        wait_p95_s = waits[round(0.95 * (len(waits) - 1))]
        return {name: round(value, 1) for name, value in (per_minute | {"wait_p95_s": wait_p95_s}).items()}

    @staticmethod
    def _rate(times: list[tuple[float, float]]) -> float:
        return len(times) * 60 / max(ended for _, ended in times)

    def _new(self, number: int) -> list[str]:
        """Return songs that were never heard: the same sound in files that differ, so each is heard again."""
        names = []
        for _ in range(number):
            self.songs += 1
            tag = b"TAG" + f"song {self.songs}".encode().ljust(125, b"\0")
            names.append(f"new {self.songs}.mp3")
            self.place.put_song(names[-1], self.song + tag)
        return names

    def _run(self, shell: SystemShell, songs: list[str], what: str) -> list[tuple[float, float]]:
        """Ask for a choreography to each song, and wait until all are made; return waits and ends in seconds."""
        print(f"{what}: {len(songs)} tasks", file=sys.stderr)
        shell.run(self.url, ASK.format(songs=songs, seed=self.seed), media=self.place.media)
        self.seed += len(songs)
        ended = 0
        while ended < len(songs):
            time.sleep(LOOK_S)
            row = self.session.execute(ENDED).fetchone()
            ended, failed = row or (0, 0)
            if failed:
                raise SystemExit(f"bench throughput: {failed} tasks failed; the log is in {self.place.folder}")
        return self.session.execute(TIMES).fetchall()

    @contextmanager
    def _workers(self, number: int) -> Iterator[None]:
        env = self.place.environment(self.url) | {
            "PARALLEL_RUNNING_LIMIT": str(number),
            "USER_RUNNING_LIMIT": str(number),
        }
        command = [sys.executable, "manage.py", "worker", "--concurrency", str(number)]
        (began,) = self.session.execute("SELECT statement_timestamp()").fetchone() or (None,)
        with (self.place.folder / "workers.log").open("ab") as log:
            crew: subprocess.Popen[bytes] = process.spawn(command, cwd=house.ROOT / "backend", env=env, stdout=log)
        try:
            # A worker that is still starting would take processor time from those that are measured.
            while self.session.execute(COME, [began]).fetchone() != (number,):
                if crew.poll() is not None:
                    raise SystemExit(f"bench throughput: no workers came; the log is in {self.place.folder}")
                time.sleep(LOOK_S)
            yield
        finally:
            process.stop(crew, timeout_s=30)


def show(by_workers: dict[int, dict[str, float]]) -> None:
    """Show the figures to people."""
    shown = Table(title=f"choreographies of 180 s on {os.cpu_count()} cores", title_justify="left")
    for column in ("", *(f"{number} workers" for number in by_workers), "to reach"):
        shown.add_column(column, justify="right")
    for name in next(iter(by_workers.values())):
        values = [str(figures[name]) for figures in by_workers.values()]
        shown.add_row(name, *values, TARGETS.get(name, ""))
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    main()

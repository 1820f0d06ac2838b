"""Likes of one choreography by 200 users at once: does the count stay right, and does anyone wait long?

The server is durable, on a disk. Each user has a connection, in several processes of the backend, which call its own
service; all begin at the same moment. `spread` is the same work on one choreography for each user: what the hot one
costs is the difference. Meanwhile the original renames the choreography that is liked, and a visitor reads it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from sandbox import house
from sandbox.postgres import Database, Server

TARGETS = {
    "wrong_counts": "0",
    "errors": "0",
    "hot_p95_times": "≤ 1.5",
    "others_max_ms": "≤ 250",
}
START = 0x6C696B  # the advisory lock that all wait for

# In the backend's own interpreter. Passwords are not needed, and their hashes would take a minute.
PEOPLE = """
import json
from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.sharing.services import change_share
owner = User.objects.create(username="owner", email="owner@example.com")
users = User.objects.bulk_create(User(username=f"u{{n}}", email=f"u{{n}}@example.com") for n in range({users}))
def share(title):
    row = dict(title=title, video_path="", difficulty="beginner", duration=1)
    kept = SavedChoreography.objects.create(user=owner, **row)
    return str(change_share(user=owner, choreography_id=kept.pk, visibility="public").pk)
print(json.dumps({{"users": [user.pk for user in users], "hot": share("hot"), "spread": [share("s") for _ in users]}}))
"""
LIKES = """
import json, random, sys, threading, time
from django.db import connection
from apps.authentication.models import User
from apps.sharing.likes import like, unlike
work, each = json.loads({work!r}), {each}
users = {{user.pk: user for user in User.objects.filter(pk__in=[pk for pk, _ in work])}}
took_ms, errors = [], []
def act(pk, choreography):
    dice = random.Random(pk)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock_shared({start})")
        for _ in range(each):
            do = dice.choice((like, unlike))
            began = time.perf_counter()
            do(user=users[pk], choreography_id=choreography)
            took_ms.append((time.perf_counter() - began) * 1000)
    except Exception as error:
        errors.append(repr(error))
    finally:
        connection.close()
threads = [threading.Thread(target=act, args=pair) for pair in work]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps({{"took_ms": took_ms, "errors": errors}}))
"""
COUNTS = """
    SELECT count(*) FROM backend.shares AS s
    WHERE s.likes <> (SELECT count(*) FROM backend.likes AS l WHERE l.choreography_id = s.choreography_id)
        - (SELECT coalesce(sum(change), 0) FROM backend.like_changes AS c WHERE c.choreography_id = s.choreography_id)
"""


class BesideThem(threading.Thread):
    """The original, which renames the row that is liked, and a visitor, who reads it."""

    def __init__(self, database: Database, choreography: str) -> None:
        super().__init__()
        self.database, self.choreography = database, choreography
        self.ended, self.took_ms = threading.Event(), [0.0]

    def run(self) -> None:
        """Write and read, every 10 ms, until it is told to end."""
        rename = "UPDATE saved_choreographies SET title = title || '.' WHERE id = %s"
        read = "SELECT likes FROM backend.shares WHERE choreography_id = %s"
        with (
            closing(psycopg.connect(self.database.url("original_app"), autocommit=True)) as original,
            closing(psycopg.connect(self.database.url("backend_app"), autocommit=True)) as visitor,
        ):
            while not self.ended.wait(0.01):
                for session, statement in ((original, rename), (visitor, read)):
                    began = time.perf_counter()
                    session.execute(statement, [self.choreography])
                    self.took_ms.append((time.perf_counter() - began) * 1000)
                original.execute("UPDATE saved_choreographies SET title = 'hot' WHERE id = %s", [self.choreography])


def main() -> int:
    """Measure; return 1 if a count is wrong or a call failed."""
    parser = argparse.ArgumentParser(prog="script/bench likes", description=__doc__)
    parser.add_argument("--users", type=int, default=200, help="at the same moment (default %(default)s)")
    parser.add_argument("--likes", type=int, default=2000, help="likes and unlikes in all (default %(default)s)")
    parser.add_argument("--processes", type=int, default=4, help="of the backend (default %(default)s)")
    arguments = parser.parse_args()
    place = house.ROOT / ".local"
    place.mkdir(exist_ok=True)
    settings = {"max_connections": str(arguments.users + 50)}
    with tempfile.TemporaryDirectory(prefix="bench-likes-", dir=place) as folder:
        Path(folder).chmod(0o711)
        with Server(Path(folder) / "postgres", settings=settings) as server:
            figures = measure(server, Path(folder), arguments)
    show(figures)
    print(json.dumps(figures))
    return 1 if figures["wrong_counts"] or figures["errors"] else 0


def measure(server: Server, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Do the work on one row and on many."""
    house.build_original(server, "original")
    house.build_adopted(server, "compas", "original")
    database = Database("compas", server)
    env = house.system_environment(database_url=database.url("backend_app"), media=folder, secret_key="x" * 50)
    people = answer(start(PEOPLE.format(users=arguments.users), env))
    each = arguments.likes // arguments.users
    hot = [(user, people["hot"]) for user in people["users"]]
    spread = list(zip(people["users"], people["spread"], strict=True))
    beside = BesideThem(database, people["hot"])
    beside.start()
    on_one = at_once(database, env, hot, each=each, processes=arguments.processes)
    beside.ended.set()
    beside.join()
    on_many = at_once(database, env, spread, each=each, processes=arguments.processes)
    with psycopg.connect(database.url("owner")) as session:
        wrong = session.execute(COUNTS).fetchone()
        kept = session.execute("SELECT count(*) FROM backend.likes").fetchone()
    hot_times, spread_times = times("hot", on_one), times("spread", on_many)
    return {
        "users": arguments.users,
        "likes_and_unlikes": len(on_one["took_ms"]),
        "wrong_counts": wrong[0] if wrong else -1,
        "errors": len(on_one["errors"]) + len(on_many["errors"]),
        "likes_kept": kept[0] if kept else -1,
        **hot_times,
        **spread_times,
        "hot_p95_times": round(hot_times["hot_p95_ms"] / spread_times["spread_p95_ms"], 2),
        "others_max_ms": round(max(beside.took_ms), 1),
        "first_errors": (on_one["errors"] + on_many["errors"])[:3],
    }


def at_once(
    database: Database, env: dict[str, str], work: list[tuple[int, str]], *, each: int, processes: int
) -> dict[str, Any]:
    """Let all users begin at the same moment; return what each call took, the errors, and the whole time."""
    with psycopg.connect(database.url("backend_app"), autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(%s)", [START])
        running = [
            start(LIKES.format(work=json.dumps(work[number::processes]), each=each, start=START), env)
            for number in range(processes)
        ]
        waiting = (
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
        )
        while (row := gate.execute(waiting).fetchone()) and row[0] < len(work):
            if any(process.poll() for process in running):
                break
            time.sleep(0.05)
        began = time.perf_counter()
        gate.execute("SELECT pg_advisory_unlock(%s)", [START])
        answers = [answer(process) for process in running]
    found = {name: [value for one in answers for value in one[name]] for name in ("took_ms", "errors")}
    return found | {"seconds": time.perf_counter() - began}


def start(code: str, env: dict[str, str]) -> subprocess.Popen[str]:
    """Run lines in the backend's own interpreter."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    return subprocess.Popen(command, cwd=house.ROOT / "backend", env=env, stdout=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen[str]) -> Any:
    """Return what the lines printed last."""
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"bench likes: a process of the backend ended with {process.returncode}")
    return json.loads(output.splitlines()[-1])


def times(name: str, done: dict[str, Any]) -> dict[str, float]:
    """Return percentiles, and how many there were in a second."""
    took = sorted(done["took_ms"]) or [0.0]
    return {
        f"{name}_p50_ms": round(took[len(took) // 2], 1),
        f"{name}_p95_ms": round(took[int(len(took) * 0.95)], 1),
        f"{name}_max_ms": round(took[-1], 1),
        f"{name}_per_s": round(len(took) / done["seconds"]),
    }


def show(figures: dict[str, Any]) -> None:
    """Show the figures to people."""
    shown = Table(title="likes of one choreography at once", title_justify="left")
    for column in ("", "value", "to reach"):
        shown.add_column(column, justify="right")
    for name, value in figures.items():
        shown.add_row(name, str(value), TARGETS.get(name, ""))
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    sys.exit(main())

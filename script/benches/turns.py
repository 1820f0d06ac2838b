"""A queue with 10,000 waiting tasks of one user: how long another user waits, and what each event costs.

The backend, its web server and its worker are real; the tasks are written by the backend's own service. `four_tasks`
are the other user's tasks from the first request to the last video, on an empty queue and behind the many. Users take
turns, one task each, so the second takes about twice as long as the first.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox import house
from sandbox.fixtures import server_for_this_run
from sandbox.ports import free_port
from sandbox.postgres import Database, Server
from sandbox.systems import Place, SystemProcess, Systems, running

SONG = "short.mp3"
TASKS = 4
TARGETS = {"four_tasks_times": "≤ 2.5", "cancel_ms": "≤ 500", "poll_ms": "≤ 100", "statements_more": "0"}
PATIENCE_S = 600.0
# Higher than any honest user gets: here one user must have as many tasks as the bench asks for.
LIMITS = {"USER_WAITING_LIMIT": "1000000", "USER_STORED_MB": "1000000000"}

# In the backend's own interpreter: users, waiting tasks, and the cost of each event in statements and milliseconds.
PEOPLE = """
from apps.authentication.models import User
from apps.tokens.services import issue_token
answer = {}
for name in ("ana", "ben"):
    user = User.objects.create_user(name, email=f"{name}@example.com", password="unused here")
    answer[name] = issue_token(user=user, name="bench", scopes=["read", "choreographies:write"])[1]
"""
FILL = """
import time
from apps.authentication.models import User
from apps.generation.services import start_generation
ana = User.objects.get(username="ana")
began = time.perf_counter()
for seed in range({number}):
    start_generation(user=ana, song="{song}", difficulty="beginner", seed=seed)
answer = {{"start_ms": (time.perf_counter() - began) * 1000 / {number}}}
"""
COUNT = """
import time
from django.db import connection
from django.test.utils import CaptureQueriesContext
from apps.authentication.models import User
from apps.choreography import progress
from apps.choreography.selectors import task_of
from apps.generation import queue
from apps.generation.services import cancel_generation, start_generation
from apps.generation.sweep import sweep
ben = User.objects.get(username="ben")
made = {{}}
def start():
    made["tasks"] = [start_generation(user=ben, song="{song}", difficulty="beginner") for _ in range(2)]
def take():
    made["lease"] = queue.take_next(queue_job_id=0)
events = {{
    "two tasks are started": start,
    "a page asks": lambda: task_of(ben, made["tasks"][1].pk),
    "a job is taken": take,
    "a stage is entered": lambda: progress.advance(made["lease"], "analyzing"),
    "a lease is renewed": lambda: progress.give_way_to_the_original(made["lease"]),
    "a job ends": lambda: progress.fail(made["lease"], reason="It is silent."),
    "a worker is called": queue.call_worker_if_due,
    "a task is cancelled": lambda: cancel_generation(user=ben, task_id=made["tasks"][1].pk),
    "a sweep": sweep,
}}
answer = {{}}
for name, event in events.items():
    with CaptureQueriesContext(connection) as captured:
        began = time.perf_counter()
        event()
        ms = (time.perf_counter() - began) * 1000
    answer[name] = [len(captured), round(ms, 1)]
"""


@dataclass(frozen=True)
class BackendShell:
    """Runs lines in the backend's own interpreter."""

    systems: Systems

    def run(self, code: str) -> Any:
        """Return what the lines call ``answer``."""
        lines = f"{code}\nimport json\nprint(json.dumps(answer))"
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", lines]
        env = self.systems.environment("backend_app")
        done = subprocess.run(command, cwd=house.ROOT / "backend", env=env, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout.splitlines()[-1])


@dataclass(frozen=True)
class Program:
    """A program of one user, with a token."""

    url: str
    token: str

    def call(self, method: str, path: str, body: object = None) -> tuple[dict[str, Any], float]:
        """Return the answer, and how many milliseconds it took."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}/api/choreography/{path}", data, headers, method=method)  # noqa: S310 - our own address
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own address
            read = answer.read()
        return dict(json.loads(read)), (time.perf_counter() - began) * 1000

    def start(self, seed: int) -> str:
        """Start a choreography; return its task."""
        task, _ = self.call("POST", "generate", {"song": SONG, "difficulty": "beginner", "seed": seed})
        return str(task["task_id"])

    def until_completed(self, tasks: list[str]) -> list[float]:
        """Wait until all are completed; return how many milliseconds each question took."""
        polls, deadline = [], time.monotonic() + PATIENCE_S
        for task in tasks:
            status = ""
            while status != "completed":
                answer, took_ms = self.call("GET", f"tasks/{task}")
                polls.append(took_ms)
                status = str(answer["status"])
                if status == "failed" or time.monotonic() > deadline:
                    raise SystemExit(f"bench turns: task {task} is {status}: {answer['error']}")
                time.sleep(0.05)
        return polls


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench turns", description=__doc__)
    parser.add_argument("--waiting", type=int, default=10_000, help="tasks of the one user (default %(default)s)")
    arguments = parser.parse_args()
    os.environ.update(LIMITS)
    library = house.moves_library()
    with tempfile.TemporaryDirectory() as folder, server_for_this_run() as server:
        database = adopted_database(server)
        place = Place(Path(folder), library)
        (place.media / "songs").mkdir(parents=True)
        place.put_song(SONG, house.demo_song().read_bytes())
        with running(database, place, port=free_port(), original_port=free_port()) as systems:
            figures = measure(systems, arguments.waiting)
    show(figures)
    print(json.dumps(figures))


def adopted_database(server: Server) -> Database:
    """Make a database that both systems use."""
    house.build_original(server, "original")
    house.build_adopted(server, "compas", "original")
    return Database("compas", server)


def measure(systems: Systems, number: int) -> dict[str, Any]:
    """Measure on an empty queue, fill it, and measure again."""
    shell = BackendShell(systems)
    tokens = shell.run(PEOPLE)
    ben = Program(systems.backend_url, tokens["ben"])
    ben.until_completed([ben.start(seed=1000)])  # the song is heard once, the library loaded
    empty_s, _ = four_tasks(ben, seed=0)
    worker = next(system for system in systems.running if system.name == "worker")
    worker.stop()
    few = shell.run(COUNT.format(song=SONG))
    say(f"writing {number} waiting tasks")
    filled = shell.run(FILL.format(number=number, song=SONG))
    many = shell.run(COUNT.format(song=SONG))
    behind = behind_the_many(worker, ben, Program(systems.backend_url, tokens["ana"]))
    return {
        "waiting": number,
        "four_tasks_empty_s": round(empty_s, 2),
        **behind,
        "four_tasks_times": round(behind["four_tasks_s"] / empty_s, 2),
        "start_ms": round(filled["start_ms"], 1),
        "statements_more": max(many[name][0] - few[name][0] for name in many),
        "statements": {name: {"empty": few[name][0], "full": many[name][0]} for name in many},
        "ms": {name: {"empty": few[name][1], "full": many[name][1]} for name in many},
    }


def behind_the_many(worker: SystemProcess, ben: Program, ana: Program) -> dict[str, float]:
    """Measure four tasks, a cancel and the questions of both users while the worker serves the full queue."""
    worker.start()
    ben.until_completed([ben.start(seed=1001)])  # the worker is up
    four_s, polls = four_tasks(ben, seed=100)
    cancels = [ben.call("DELETE", f"tasks/{ben.start(seed=200)}")[1] for _ in range(5)]
    newest, of_list = ana.call("GET", "tasks?page_size=100")
    last = [ana.call("GET", f"tasks/{task['task_id']}")[1] for task in newest["results"][:10]]
    return {
        "four_tasks_s": round(four_s, 2),
        "cancel_ms": round(max(cancels), 1),
        "poll_ms": round(statistics.median(polls), 1),
        "poll_of_the_last_ms": round(statistics.median(last), 1),
        "list_ms": round(of_list, 1),
    }


def four_tasks(program: Program, *, seed: int) -> tuple[float, list[float]]:
    """Return how long four tasks take from the first request to the last video, and each question on the way."""
    began = time.perf_counter()
    polls = program.until_completed([program.start(seed + number) for number in range(TASKS)])
    return time.perf_counter() - began, polls


def show(figures: dict[str, Any]) -> None:
    """Show the figures to people."""
    shown = Table(title=f"{figures['waiting']} waiting tasks of one user", title_justify="left")
    for column in ("", "value", "to reach"):
        shown.add_column(column, justify="right")
    for name, value in figures.items():
        if not isinstance(value, dict):
            shown.add_row(name, str(value), TARGETS.get(name, ""))
    Console(stderr=True).print(shown)
    events = Table("event", "statements, empty", "full", "ms, empty", "full")
    for name, statements in figures["statements"].items():
        ms = figures["ms"][name]
        events.add_row(name, *map(str, (*statements.values(), *ms.values())))
    Console(stderr=True).print(events)


def say(text: str) -> None:
    """Tell people how far it is."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()

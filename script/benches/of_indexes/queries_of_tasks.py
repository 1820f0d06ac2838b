"""What the backend, its page and its worker ask choreography_tasks; runs in its own interpreter (see ../indexes.py).

Each event is real: a request by Django's test client, a sweep, a job that is taken. Each of its statements on the
table is explained in its place, in a transaction that is taken back, and then executed.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.test import Client

from apps.authentication.models import User
from apps.choreography import progress
from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import tasks_of
from apps.generation import queue
from apps.generation.services import start_generation
from apps.generation.sweep import sweep
from apps.media.namings import namings

TABLE = "choreography_tasks"


class Explainer:
    """Explains each statement on the table before it is executed."""

    def __init__(self) -> None:
        self.plans: list[dict[str, Any]] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        if TABLE in str(sql) and not many and not str(sql).startswith(("EXPLAIN", "DROP INDEX")):
            self._explain(str(sql), params)
        return execute(sql, params, many, context)

    def _explain(self, statement: str, params: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT explained")
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", params)
            (found,) = cursor.fetchone()[0]
            cursor.execute("ROLLBACK TO SAVEPOINT explained")
        nodes = list(nodes_of(found["Plan"]))
        scans = {
            n.get("Index Name") or f"{n['Node Type']} {n['Relation Name']}"
            for n in nodes
            if "Scan" in n["Node Type"] and ("Index Name" in n or "Relation Name" in n)
        }
        mine = sorted(name for name in scans if TABLE in name or name in INDEXES)
        self.plans.append(
            {
                "sql": " ".join(statement.split()),
                "ms": found["Execution Time"],
                "pages": found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"],
                "by": mine,
            }
        )


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes_of(part)


def indexes() -> dict[str, int]:
    """Return the table's indexes with their bytes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) FROM pg_class JOIN pg_index ON indexrelid = oid"
            " WHERE indrelid = to_regclass(%s)",
            [TABLE],
        )
        return dict(cursor.fetchall())


INDEXES = indexes()


@contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def events(ana: User, task: str, other: str) -> dict[str, Callable[[], Any]]:
    """Return what people, programs and workers do, by name."""
    browser = Client(headers={"host": "localhost"})
    browser.force_login(ana)
    made: dict[str, Any] = {}

    def second_page() -> None:
        first = browser.get("/api/choreography/tasks").json()
        browser.get(first["next"])

    def take() -> None:
        made["lease"] = queue.take_next(queue_job_id=0)
        if made["lease"] is None:
            raise SystemExit("bench indexes: no job was taken")

    def delete_user() -> None:
        User.objects.filter(username="leaves").first().delete()

    def names_one_file() -> None:
        list(namings(of_files=["output/user_1/x.mp4"], user_id=ana.pk))

    return {
        "the studio's page": lambda: browser.get("/studio"),
        "the page of a task": lambda: browser.get(f"/studio/{task}"),
        "API: first page of tasks": lambda: browser.get("/api/choreography/tasks"),
        "API: second page": second_page,
        "API: one task": lambda: browser.get(f"/api/choreography/tasks/{task}"),
        "API: cancel": lambda: browser.delete(f"/api/choreography/tasks/{other}"),
        "original's address: one task": lambda: browser.get(f"/task/{task}/"),
        "original's address: list": lambda: browser.get("/tasks/"),
        "original's address: create": lambda: browser.post(
            "/create/", {"song_selection": os.environ["BENCH_SONG"], "difficulty": "beginner"}
        ),
        "a job is taken": take,
        "a stage is entered": lambda: progress.advance(made["lease"], "analyzing"),
        "a lease is renewed": lambda: progress.give_way_to_the_original(made["lease"]),
        "a job fails": lambda: progress.fail(made["lease"], reason="It is silent."),
        "a sweep": sweep,
        "files of a user": names_one_file,
        "a user is deleted": delete_user,
    }


def run(without: str = "") -> dict[str, list[dict[str, Any]]]:
    """Let all events happen, without one index; everything is taken back."""
    plans = {}
    with taken_back():
        if without:
            with connection.cursor() as cursor:
                cursor.execute(f'DROP INDEX public."{without}"')
        ana = User.objects.get(username="ana")
        for _ in range(2):
            start_generation(user=ana, song=os.environ["BENCH_SONG"], difficulty="beginner")
        task, other = (row.pk for row in tasks_of(ana)[300:302])
        for name, event in events(ana, task, other).items():
            explainer = Explainer()
            with connection.execute_wrapper(explainer):
                event()
            plans[name] = explainer.plans
    return plans


def droppable() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_index ON indexrelid = oid"
            " WHERE indrelid = to_regclass(%s) AND NOT indisprimary ORDER BY relname",
            [TABLE],
        )
        return [name for (name,) in cursor.fetchall()]


run()  # the pages come into memory, the engine is imported
answer = {
    "phase": ChoreographyTask.PHASE,
    "bytes": INDEXES,
    "all": run(),
    "without": {name: run(name) for name in droppable()},
}
print(json.dumps(answer))

"""A move that really happened: gates, an override, a switch, a rollback, watched all the while."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from handover.tests.night import Story, until
from handover.tests.parallel.conftest import section

GATES = """
[[gates]]
id = "the-watch"
kind = "watch"
reason = "both systems must have been seen working for a day"

[[gates]]
id = "backup"
kind = "backup"
reason = "there must be something to go back to"

[[gates]]
id = "signed"
kind = "sign-offs"
reason = "four people know what they agree to"
"""
NEW_TASK = (
    "INSERT INTO dance_tasks (task_id, status, progress, created_at, user_id)"
    " SELECT gen_random_uuid(), 'started', 0, now(), min(id) FROM dancers"
)


@contextmanager
def watched(story: Story) -> Iterator[None]:
    """Watch while the block runs, and write a row now and then."""
    over = threading.Event()
    writer = threading.Thread(target=_write, args=(story.pair.database.url("owner"), over))
    with story.pair.process("watch", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as watching:
        writer.start()
        try:
            yield
        finally:
            over.set()
            writer.join()
            watching.terminate()
            watching.wait(timeout=60)


def _write(url: str, over: threading.Event) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while not over.wait(0.1):
            connection.execute(NEW_TASK)


def windows(story: Story) -> int:
    with psycopg.connect(story.pair.database.url("owner")) as connection:
        row = connection.execute("SELECT count(DISTINCT window_start) FROM handover.watch_windows").fetchone()
    assert row
    return int(row[0])


def wait_for_windows(story: Story, number: int) -> None:
    """Return when so many more windows were judged."""
    wanted = windows(story) + number
    until(lambda: windows(story) >= wanted, "nothing was watched", within_s=120)


@pytest.fixture
def moved(story) -> Iterator[Story]:
    """People were moved over a red gate, and back."""
    story.declare(GATES + section(window_s=0.5, probes=[{"name": "health", "path": "/health", "kind": "health"}]))
    story.in_parallel()
    with watched(story):
        wait_for_windows(story, 3)
        story.plan()
        story.done("sign", "--as", "DevOps", "--because", "I have seen <b>the</b> rehearsal")
        plan = story.plan()
        overrides = [word for gate in ("the-watch", "backup", "signed") for word in ("--override", gate)]
        story.done("cutover", "--apply", plan, *overrides, "--because", "a trial in a test & nobody is hurt")
        wait_for_windows(story, 3)
        story.done("rollback", "--apply", "--because", "a fault was found")
        wait_for_windows(story, 3)
        yield story

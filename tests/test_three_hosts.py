"""Many workers: several processes of one machine, and three hosts of which one is cut off in the middle."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from sandbox import house, process
from sandbox.hosts import MISSING, can_be_made, hosts
from sandbox.systems import Place, Systems
from tests.conftest import browser, registered, started
from tests.far_workers import FarWorker, workers_on_hosts

PATIENCE_S = 240.0
LOOK_S = 0.1
TASKS = 9
SHORT = {"JOB_LEASE_S": "6", "JOB_SWEEP_S": "1"}


def until(is_so: Callable[[], object], what: str) -> object:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"not within {PATIENCE_S:.0f} s: {what}"
        threading.Event().wait(LOOK_S)  # other processes make it true, so it is polled
    return found


@pytest.fixture
def systems(postgres, adopted_template, moves_library, tmp_path, bucket_server, demo_song) -> Iterator[Systems]:
    """Both systems on a bucket, without a worker."""
    more = {"PARALLEL_RUNNING_LIMIT": "3", "USER_RUNNING_LIMIT": "3", **SHORT}
    place = Place(tmp_path / "house", moves_library, bucket_server.create_bucket(), more=more)
    place.folder.mkdir()
    with started(postgres, adopted_template, place, has_worker=False) as both:
        both.place.put_song("Noche.mp3", demo_song.read_bytes())
        yield both


@pytest.fixture
def session(systems) -> Iterator[psycopg.Connection]:
    with psycopg.connect(systems.database.url("owner"), autocommit=True) as opened:
        yield opened


def ask(systems: Systems, number: int) -> list[str]:
    """Let a dancer ask for so many videos; return the tasks."""
    with browser(systems) as visitor:
        dancer = registered(visitor)
        wishes = {"song": "Noche.mp3", "difficulty": "beginner"}
        answers = [
            dancer.post(dancer.backend, "/api/choreography/generate", json=wishes | {"seed": seed})
            for seed in range(number)
        ]
    assert {answer.status_code for answer in answers} == {202}, answers[0].text
    return [answer.json()["task_id"] for answer in answers]


def ended(session: psycopg.Connection) -> int:
    return session.execute("SELECT count(*) FROM backend.jobs WHERE outcome IS NOT NULL").fetchone()[0]


def assert_each_ended_once(systems: Systems, session: psycopg.Connection, tasks: list[str]) -> None:
    rows = session.execute("SELECT task_id::text, status, error FROM choreography_tasks ORDER BY created_at").fetchall()
    assert rows == [(task, "completed", None) for task in tasks]
    saved = session.execute("SELECT generation_parameters->>'task_id' FROM saved_choreographies").fetchall()
    assert sorted(task for (task,) in saved) == sorted(tasks), "each is in the collection once"
    videos = [Path(name).stem for name in systems.place.bucket.names("media/") if name.endswith(".mp4")]
    assert sorted(videos) == sorted(tasks), "each has one video"


@pytest.mark.full
def test_one_of_three_hosts_is_cut_off_in_the_middle__every_task_ends_once(systems, session, tmp_path):
    if not can_be_made():
        pytest.skip(MISSING)
    with workers_on_hosts(systems, tmp_path, number=3) as workers:
        tasks = ask(systems, TASKS)
        lost = cut_one_off(session, workers)
        until(lambda: ended(session) == TASKS, "the other two make the rest")
        assert_each_ended_once(systems, session, tasks)
        attempts = Counter(session.execute("SELECT attempt FROM backend.jobs").fetchall())
        assert attempts[(2,)] >= 1, "what the lost host had begun was begun again"
        before = session.execute("SELECT task_id, result, ended_at FROM backend.jobs ORDER BY 1").fetchall()
        lost.host.join()
        until(lambda: "was lost; nothing is written" in lost.log.read_text() or has_restarted(lost), "it notices")
        assert session.execute("SELECT task_id, result, ended_at FROM backend.jobs ORDER BY 1").fetchall() == before
        assert_each_ended_once(systems, session, tasks)


def has_restarted(worker: FarWorker) -> bool:
    """Return whether the worker has ended, to be started again by its supervisor."""
    return worker.process.poll() is not None


def cut_one_off(session: psycopg.Connection, workers: list[FarWorker]) -> FarWorker:
    """Cut off a host whose worker is in the middle of a video; return its worker."""
    pids = {str(worker.process.pid): worker for worker in workers}
    running = (
        "SELECT split_part(owner, ':', 2) FROM backend.jobs WHERE outcome IS NULL AND token IS NOT NULL"
        " AND split_part(owner, ':', 2) = ANY(%s) LIMIT 1"
    )
    still = "SELECT FROM backend.jobs WHERE outcome IS NULL AND split_part(owner, ':', 2) = %s"
    while True:
        found = until(lambda: session.execute(running, [list(pids)]).fetchone(), "a worker is in the middle of a video")
        worker = pids[found[0]]
        worker.process.send_signal(signal.SIGSTOP)
        is_at_work = session.execute(still, found).rowcount == 1
        if is_at_work:
            worker.host.cut_off()
        worker.process.send_signal(signal.SIGCONT)
        if is_at_work:
            return worker


@pytest.mark.full
def test_hosts__cable__passes_on_until_it_is_cut(postgres):
    if not can_be_made():
        pytest.skip(MISSING)
    url = f"{postgres.url('owner', 'postgres')}?connect_timeout=10"
    try_it = f"import psycopg; psycopg.connect({url!r}).execute('SELECT 1')"
    with hosts(1, [postgres.port]) as (host,):
        argv = ["ip", "netns", "exec", host.name, sys.executable, "-c", try_it]
        assert subprocess.run(argv, check=False).returncode == 0
        host.cut_off()
        assert subprocess.run(argv, check=False, stderr=subprocess.DEVNULL).returncode == 1
        host.join()
        assert subprocess.run(argv, check=False).returncode == 0


@pytest.mark.full
def test_worker_concurrency__so_many_work_at_once__one_that_dies_is_started_again__all_end_with_it(
    systems, session, tmp_path
):
    log = tmp_path / "crew.log"
    command = [sys.executable, "manage.py", "worker", "--concurrency", "2"]
    with log.open("wb") as output:
        crew = process.spawn(command, cwd=house.ROOT / "backend", env=systems.environment("backend_app"), stdout=output)
    try:
        live = "SELECT count(*) FROM backend.procrastinate_workers"
        until(lambda: session.execute(live).fetchone()[0] == 2, "both are there")
        first = children_of(crew.pid)
        os.kill(first[0], signal.SIGKILL)
        until(lambda: len(set(children_of(crew.pid)) - set(first)) == 1, "it is started again")
        assert "ended with status -9; it is started again" in log.read_text()
        tasks = ask(systems, 2)
        until(lambda: ended(session) == 2, "both videos are made")
        assert_each_ended_once(systems, session, tasks)
        everyone = children_of(crew.pid)
        crew.terminate()
        assert crew.wait(60) == 0
        assert all(process.wait_for_exit(pid, 0) for pid in everyone)
    finally:
        process.stop(crew, 0)


def children_of(pid: int) -> list[int]:
    """Return the processes that any thread of a process has started."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(int(child) for task in tasks for child in task.read_text().split())

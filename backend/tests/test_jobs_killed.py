"""Workers that are killed or stopped in the middle: every task ends, once, and nothing is left behind."""

import random
import signal
import sys
import time
from pathlib import Path

import av
import pytest
from django.conf import settings

from apps.choreography.models import ChoreographyTask
from apps.generation.worker import STUCK
from apps.jobs.models import Job
from sandbox import house
from sandbox.process import spawn, stop, wait_for_exit
from tests.conftest import make_user
from tests.generating import assert_completed_once, made_files, output_files, place_song, start
from tests.workers import PATIENCE_S, Gate, hold_on, is_full, workers_on

# A kill in the transaction that writes the stage. "committing": the video has its name, the row is not written;
# "committed": it is committed, but the worker is killed before it removes the draft.
STAGES = ["downloading", "analyzing", "selecting", "generating", "finalizing"]
PLACES = [*STAGES, "completed", "committing", "committed"]
# "downloading" is written together with the lease, so a kill there undoes the lease too.
FIRST_ATTEMPT_COUNTS = {"downloading", "committed"}
SHORT = {"JOB_LEASE_S": 1.5, "JOB_SWEEP_S": 0.25}


@pytest.fixture
def ana(own_database, moves_library, demo_song, settings):
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    return make_user("ana")


def kills() -> list[str]:
    if is_full():
        dice = random.Random(50)  # noqa: S311 - the same kills every time
        return [dice.choice(PLACES) for _ in range(50)]
    return ["generating", "committing", "committed"]


def has_ended(task_id: str) -> bool:
    return Job.objects.filter(pk=task_id, outcome__isnull=False).exists()


def test_killed_in_each_stage__another_worker_completes_it_once(ana, own_database, tmp_path):
    ended, places = [], kills()
    with hold_on(own_database) as hold, workers_on(own_database, tmp_path, **SHORT) as workers:
        workers.start()
        workers.start()
        for number, place in enumerate(places):
            hold.at(place)
            task = start(ana, seed=number)
            victim = workers.until(hold.who_waits, f"a worker waits in {place}")
            workers.kill(victim)
            hold.release()
            if number + 1 < len(places):
                workers.start()  # for the one that was killed, while the other takes over
            workers.until(lambda task=task: has_ended(task.pk), f"the task ends after a kill in {place}")
            ended.append(task.pk)
            assert_completed_once(ana, ended)
            assert Job.objects.get(pk=task.pk).attempt == (1 if place in FIRST_ATTEMPT_COUNTS else 2), place
    for name in (name for name in output_files() if name.endswith(".mp4")):
        with av.open(str(Path(settings.MEDIA_ROOT, "output", name))) as video:
            assert sum(1 for _ in video.demux(video=0)) > 100


@pytest.mark.full
def test_killed_whenever_it_is_tried__fails_with_a_reason_and_leaves_nothing(ana, own_database, tmp_path):
    with hold_on(own_database) as hold, workers_on(own_database, tmp_path, **SHORT, JOB_MAX_ATTEMPTS=1) as workers:
        workers.start()
        workers.start()
        hold.at("committing")
        task = start(ana)
        workers.kill(workers.until(hold.who_waits, "a worker waits before the commit"))
        assert set(made_files(ana.pk, task.pk)) < set(output_files())  # a video that no row names
        hold.release()
        workers.until(lambda: has_ended(task.pk), "the task fails")
        workers.until(lambda: output_files() == [], "a sweep removes what the attempt left")
    row = ChoreographyTask.objects.get()
    assert (row.status, row.progress, row.stage) == ("failed", 0, "failed")
    assert row.error == "Its worker was stopped in the middle of the work (attempts: 1). Please try again."


@pytest.mark.full
def test_hanging_beyond_its_time__worker_ends_and_another_completes_it(ana, own_database, tmp_path):
    at_once = {"JOB_TIME_LIMIT_S": 0.01, "ELASTICSEARCH_BUDGET_S": 0.01}
    with hold_on(own_database) as hold:
        with workers_on(own_database, tmp_path, JOB_LEASE_S=1, **at_once) as workers:
            name = workers.start()
            hold.at("selecting")
            task = start(ana)
            hanging = workers.running.pop(name)
            assert wait_for_exit(hanging.pid, PATIENCE_S), "it hangs for ever"
            assert hanging.wait() == STUCK
            assert f"task {task.pk} hangs" in workers.log(name).read_text()
        hold.release()
    with workers_on(own_database, tmp_path, **SHORT) as workers:
        workers.start()
        workers.until(lambda: has_ended(task.pk), "another worker completes it")
    assert_completed_once(ana, [task.pk])


@pytest.mark.full
def test_stopped_at_work_until_its_lease_was_taken__writes_nothing_when_it_goes_on(
    ana, own_database, tmp_path, settings
):
    gate = Gate(tmp_path / "library", settings.MOVES_LIBRARY)
    settings.MOVES_LIBRARY = gate.folder
    with workers_on(own_database, tmp_path, **SHORT) as workers:
        workers.start()
        workers.start()
        task = start(ana)
        sleepers_pipe = workers.until(gate.open, "a worker reads the library")
        sleeper = workers.name_of(int(Job.objects.get().owner.rpartition(":")[2]))
        gate.renew()
        workers.signal(sleeper, signal.SIGSTOP)
        gate.let_through(workers.until(gate.open, "another worker reads the library"))
        assert_it_wakes_in_vain(workers, sleeper, task, ana, let_it_go_on=lambda: gate.let_through(sleepers_pipe))


@pytest.mark.full
def test_stopped_while_it_writes_until_its_lease_was_taken__writes_nothing_when_it_goes_on(ana, own_database, tmp_path):
    with hold_on(own_database) as hold, workers_on(own_database, tmp_path, **SHORT) as workers:
        workers.start()
        workers.start()
        hold.at("completed")
        task = start(ana)
        sleeper = workers.until(hold.who_waits, "a worker is about to complete it")
        workers.signal(sleeper, signal.SIGSTOP)
        hold.release()
        assert_it_wakes_in_vain(workers, sleeper, task, ana)


def assert_it_wakes_in_vain(workers, sleeper, task, user, *, let_it_go_on=lambda: None) -> None:
    workers.until(lambda: has_ended(task.pk), "another worker completes it")
    assert_completed_once(user, [task.pk])
    before = everything()
    workers.signal(sleeper, signal.SIGCONT)
    let_it_go_on()
    workers.until(lambda: "The lease of task" in workers.log(sleeper).read_text(), "it finds its lease gone")
    assert everything() == before
    assert_completed_once(user, [task.pk])
    assert Job.objects.get().attempt == 2


def everything() -> list[object]:
    files = [Path(settings.MEDIA_ROOT, "output", name) for name in output_files()]
    rows = [list(model.objects.order_by("pk").values()) for model in (ChoreographyTask, Job)]
    return rows + [(path.name, path.stat().st_ino, path.stat().st_mtime_ns) for path in files]


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started, by whichever of its threads."""
    return [int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]


def test_worker_command__is_killed__its_workers_end_and_leave_no_file(own_database, media_root, tmp_path):
    number = 3
    environment = house.system_environment(
        database_url=own_database.url("backend_app"), media=media_root, secret_key="unused"
    )
    command = [sys.executable, "manage.py", "worker", "--concurrency", str(number)]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    crew = spawn(command, cwd=house.ROOT / "backend", env=environment | {"TMPDIR": str(temporary)})
    try:
        deadline = time.monotonic() + PATIENCE_S
        while len(workers := children_of(crew.pid)) < number:
            assert time.monotonic() < deadline, "no workers"
            assert crew.poll() is None
            time.sleep(0.05)
        crew.kill()
        crew.wait()
        assert all(wait_for_exit(pid, PATIENCE_S) for pid in workers), "a worker works on without its crew"
        assert list(temporary.iterdir()) == []
    finally:
        stop(crew, timeout_s=0)

"""Generations as executions of a Cloud Run job: Google's client, a stand-in of the service, real processes."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db.models.functions import Now

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.generation import queue
from apps.generation.services import cancel_generation
from apps.generation.sweep import sweep
from apps.jobs import cloud_run, leases
from apps.jobs.cloud_run import CloudRunError
from apps.jobs.models import Job
from apps.monitoring import readiness
from sandbox import house
from sandbox.cloud_run import CloudRun
from sandbox.process import wait_for_exit
from tests.conftest import make_user
from tests.evolving import stored
from tests.generating import assert_completed_once, output_files, place_song, start
from tests.workers import PATIENCE_S, Gate

COMMAND = [sys.executable, "manage.py"]


@contextmanager
def job_on(database, folder, **settings: object) -> Iterator[CloudRun]:
    """Serve the job of a backend on this database, and let this process use it."""
    environment = house.system_environment(
        database_url=database.url("backend_app"), media=django_settings.MEDIA_ROOT, secret_key="unused"
    )
    places = {"MOVES_LIBRARY": django_settings.MOVES_LIBRARY, "BACHATEO_CACHE": django_settings.BACHATEO_CACHE}
    environment |= {key: str(value) for key, value in (places | settings).items()}
    with CloudRun(folder / "run", COMMAND, cwd=house.ROOT / "backend", environment=environment) as job:
        yield job


@pytest.fixture
def ana(own_database, moves_library, demo_song, settings) -> User:
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    return make_user("ana")


@pytest.fixture
def gate(ana, tmp_path, settings) -> Gate:
    """Containers of jobs that are served after this wait in stage "selecting" until they are let through."""
    gate = Gate(tmp_path / "library", settings.MOVES_LIBRARY)
    settings.MOVES_LIBRARY = gate.folder
    return gate


@pytest.fixture
def job(ana, own_database, tmp_path, settings) -> Iterator[CloudRun]:
    with job_on(own_database, tmp_path) as served:
        settings.JOBS, settings.RUN_JOB, settings.RUN_API_ENDPOINT = "cloud-run", served.name, served.url
        yield served


def until(is_so: Callable[[], object], what: str, job: CloudRun) -> object:
    """Wait until another process has made it so."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := is_so()):
        if time.monotonic() > deadline:
            logs = "\n".join(job.log_of(one["name"])[-3000:] for one in job.executions())
            raise AssertionError(f"not within {PATIENCE_S} s: {what}\n{job.executions()}\n{logs}")
        assert not wait_for_exit(job.pid, 0.02), "the stand-in ended"  # another process makes it true, so it is polled
    return found


def state(execution: dict) -> str:
    return execution["conditions"][0]["state"].removeprefix("CONDITION_")


def has_ended(task: ChoreographyTask) -> bool:
    return Job.objects.filter(pk=task.pk, outcome__isnull=False).exists()


def rows() -> list[object]:
    return [list(model.objects.order_by("pk").values()) for model in (ChoreographyTask, Job)]


# The way of a task


@pytest.mark.full
def test_generation__runs_as_an_execution_whose_name_the_task_has__and_a_second_run_changes_nothing(ana, job):
    task = start(ana)
    (execution,) = job.executions()
    assert execution["template"]["containers"][0]["args"] == ["generate", task.pk]
    assert ChoreographyTask.objects.get().job_execution_name == execution["name"]
    until(lambda: state(job.executions()[0]) == "SUCCEEDED", "the execution ends", job)
    assert_completed_once(ana, [task.pk])
    assert (Job.objects.get().attempt, ChoreographyTask.objects.get().job_execution_name) == (1, execution["name"])

    before, files = rows(), output_files()
    again = cloud_run.start(task.pk)
    until(lambda: state(job.executions()[0]) == "SUCCEEDED", "the second execution ends", job)
    assert job.log_of(again).splitlines()[-1] == f"Nothing to do: task {task.pk} has ended: completed."
    assert (rows(), output_files()) == (before, files)


@pytest.mark.full
def test_limit__the_next_is_started_when_there_is_room_by_the_container_that_makes_it(ana, job):
    tasks = [start(ana, seed=seed) for seed in range(2)]
    assert [one["template"]["containers"][0]["args"][1] for one in job.executions()] == [tasks[0].pk]
    assert [row.job_execution_name is None for row in ChoreographyTask.objects.order_by("created_at")] == [False, True]
    until(lambda: all(map(has_ended, tasks)), "both are made", job)
    assert len(job.executions()) == 2
    until(lambda: {state(one) for one in job.executions()} == {"SUCCEEDED"}, "both executions end", job)
    assert_completed_once(ana, [task.pk for task in tasks])


def test_users_take_turns__one_user_has_many_waiting__another_user_is_next(ana, job):
    ben = make_user("ben")
    job.fail(unstarted_runs=9)
    many = [start(ana, seed=seed) for seed in range(3)]
    his = start(ben)
    cancel_generation(user=ana, task_id=many[0].pk)
    newest = job.executions()[0]
    assert newest["template"]["containers"][0]["args"] == ["generate", his.pk]


# Cancelled


def test_cancelled_midway__the_execution_is_cancelled_and_nothing_is_left(ana, gate, job):
    task = start(ana)
    (execution,) = job.executions()
    pipe = until(gate.open, "the container is in the middle of it", job)
    (pid,) = job.containers(execution["name"])
    cancel_generation(user=ana, task_id=task.pk)
    assert wait_for_exit(pid, PATIENCE_S)
    os.close(pipe)
    until(lambda: job.executions()[0].get("completionTime"), "the execution is over", job)
    assert job.executions()[0]["cancelledCount"] == 1
    sweep()
    assert not ChoreographyTask.objects.exists()
    assert (Job.objects.get().outcome, output_files(), len(job.executions())) == ("cancelled", [], 1)


def test_cancelled_before_it_starts__its_execution_never_does(ana, job):
    job.fail(unstarted_runs=1)
    task = start(ana)
    cancel_generation(user=ana, task_id=task.pk)
    until(lambda: job.executions()[0].get("completionTime"), "the execution is over", job)
    assert (job.executions()[0]["cancelledCount"], job.log_of(job.executions()[0]["name"])) == (1, "")


def test_sweep__execution_whose_task_was_cancelled__is_cancelled__and_of_a_live_task_is_not(ana, job):
    job.fail(unstarted_runs=1)
    start(ana)
    sweep()
    assert "completionTime" not in job.executions()[0]
    Job.objects.update(outcome=Job.Outcome.CANCELLED, ended_at=Now(), token=None)
    sweep()
    until(lambda: job.executions()[0].get("completionTime"), "the execution is cancelled", job)


# Reconciled


def test_execution_gone_while_its_task_runs__the_next_sweep_decides_and_it_is_made_once(ana, gate, job):
    task = start(ana)
    (execution,) = job.executions()
    pipe = until(gate.open, "the container is in the middle of it", job)
    sweep()
    assert (Job.objects.get().attempt, len(job.executions())) == (1, 1), "an execution that runs is left alone"
    job.delete(execution["name"])
    os.close(pipe)
    assert ChoreographyTask.objects.get().status == stored("running")
    sweep()
    (new,) = job.executions()
    assert new["name"] != execution["name"]
    gate.let_through(until(gate.open, "another execution makes it", job))
    until(lambda: state(job.executions()[0]) == "SUCCEEDED", "and ends", job)
    assert_completed_once(ana, [task.pk])
    assert (Job.objects.get().attempt, ChoreographyTask.objects.get().job_execution_name) == (2, new["name"])


@pytest.mark.full
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_container_ended_midway__the_same_execution_tries_again_at_once(ana, gate, job, how):
    task = start(ana)
    pipe = until(gate.open, "the container is in the middle of it", job)
    (pid,) = job.containers(job.executions()[0]["name"])
    os.kill(pid, how)
    assert wait_for_exit(pid, PATIENCE_S)
    os.close(pipe)
    gate.let_through(until(gate.open, "the next one is there", job))
    until(lambda: state(job.executions()[0]) == "SUCCEEDED", "the execution ends well", job)
    assert_completed_once(ana, [task.pk])
    assert (job.executions()[0]["retriedCount"], Job.objects.get().attempt, len(job.executions())) == (1, 2, 1)


@pytest.mark.full
def test_execution_gone_whenever_it_is_tried__the_task_fails_with_a_reason(ana, gate, job, settings):
    settings.JOB_MAX_ATTEMPTS = 2
    start(ana)
    for _ in range(2):
        pipe = until(gate.open, "a container is in the middle of it", job)
        job.delete(job.executions()[0]["name"])
        os.close(pipe)
        sweep()
    row = ChoreographyTask.objects.get()
    reason = "Its worker was stopped in the middle of the work (attempts: 2). Please try again."
    assert (row.status, row.error, job.executions()) == ("failed", reason, [])
    sweep()
    assert output_files() == []


def test_execution_that_waits_for_its_machine__keeps_its_task_reserved(ana, job, settings):
    job.fail(unstarted_runs=1)
    start(ana)
    Job.objects.update(lease_expires_at=Now())
    sweep()
    assert (Job.objects.get().attempt, len(job.executions())) == (1, 1), "no second execution is started"
    assert not leases.left_behind().exists()
    job.delete(job.executions()[0]["name"])
    job.fail(unstarted_runs=1)
    sweep()
    assert (Job.objects.get().attempt, len(job.executions())) == (2, 1), "one that is gone is started again"


def test_execution_that_waits_for_its_machine_for_too_long__is_cancelled_and_its_task_begun_again(ana, job, settings):
    job.fail(unstarted_runs=settings.JOB_MAX_ATTEMPTS)
    start(ana)
    for attempt in range(1, settings.JOB_MAX_ATTEMPTS + 1):
        assert Job.objects.get().attempt == attempt
        Job.objects.update(began_at=Now() - timedelta(seconds=settings.JOB_TIME_LIMIT_S + 60))
        sweep()
    row = ChoreographyTask.objects.get()
    assert (row.status, row.error) == (
        "failed",
        "Its worker was stopped in the middle of the work (attempts: 3). Please try again.",
    )
    sweep()
    assert {state(one) for one in job.executions()} == {"FAILED"}, "none waits any more"


# Cloud Run fails


@pytest.mark.parametrize("fault", ["refused_runs", "failing_runs"])
def test_run_refused__the_task_waits_and_the_next_sweep_starts_it(ana, job, fault):
    job.fail(**{fault: 1}, unstarted_runs=1)
    task = start(ana)
    row = ChoreographyTask.objects.get()
    assert (row.told_status, row.job_execution_name, job.executions()) == ("started", None, [])
    assert (Job.objects.get().attempt, Job.objects.get().token) == (0, None), "it does not count as an attempt"
    sweep()
    assert job.executions()[0]["template"]["containers"][0]["args"] == ["generate", task.pk]


@pytest.mark.full
def test_answer_of_run_lost__the_execution_makes_it_once(ana, job):
    job.fail(unsaid_runs=1)
    task = start(ana)
    assert ChoreographyTask.objects.filter(job_execution_name=None).exists() or has_ended(task)
    until(lambda: has_ended(task), "the execution that was not told of makes it", job)
    sweep()
    until(lambda: {state(one) for one in job.executions()} == {"SUCCEEDED"}, "it ends", job)
    assert_completed_once(ana, [task.pk])
    assert ChoreographyTask.objects.get().job_execution_name == job.executions()[-1]["name"]


def test_reads_fail__a_sweep_decides_nothing(ana, job, caplog):
    job.fail(unstarted_runs=1)
    start(ana)
    before = rows()
    job.fail(failing_reads=1)
    sweep()
    assert "executions were not looked at: Cloud Run (http://127.0.0.1" in caplog.text
    assert rows() == before


def test_cloud_run_away__the_request_is_taken_and_ready_says_so(ana, job, settings):
    assert readiness.check()["workers"] == "ok"
    job.stop()
    task = start(ana)
    assert ChoreographyTask.objects.get(pk=task.pk).told_status == "started"
    assert Job.objects.get().token is None
    assert readiness.check()["workers"] == "failed; the log says why"
    with pytest.raises(CloudRunError, match="Cloud Run"):
        cloud_run.executions(since=task.created_at)


# The command


def test_generate__no_such_task_or_one_of_another_process__says_so(ana, settings, capsys):
    call_command("generate", "no-such-task")
    assert capsys.readouterr().out == "Nothing to do: there is no task no-such-task.\n"
    task = start(ana)
    assert queue.take_next(queue_job_id=0)
    before = rows()
    call_command("generate", task.pk)
    assert capsys.readouterr().out.startswith(f"Nothing to do: task {task.pk} is being made by ")
    assert rows() == before

"""A machine with a wrong clock does no harm: all comparisons use the time of the database."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from apps.choreography import progress
from apps.choreography.models import ChoreographyTask
from apps.generation import queue
from apps.generation.services import cancel_generation
from apps.generation.sweep import sweep
from apps.jobs import calls
from apps.jobs.models import Job
from apps.tokens.services import issue_token, valid_token
from config.clock import database_now
from tests.evolving import stored
from tests.generating import SONG, start

BACKEND = Path(__file__).resolve().parent.parent
DAYS = timedelta(days=3)
NEAR = timedelta(minutes=1)
# Only the times of files come from the clock of the machine that wrote them.
MACHINES = re.compile(r"timezone\.now|datetime\.now|utcnow|time\.time\(|date\.today")


@pytest.fixture(params=[DAYS, -DAYS], ids=["days ahead", "days behind"])
def wrong_clock(request, monkeypatch) -> timedelta:
    right = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() + request.param)
    return request.param


@pytest.fixture
def songs(media_root) -> None:
    (media_root / "songs").mkdir()
    (media_root / "songs" / SONG).write_bytes(b"not heard here")


def test_product__asks_no_machine_for_the_time():
    folders = [BACKEND / name for name in ("apps", "config", "web", "original_addresses")]
    files = [path for folder in folders for path in folder.rglob("*.py") if "migrations" not in path.parts]
    assert [str(path) for path in files if MACHINES.search(path.read_text())] == []


def test_database_now__is_the_databases(db, wrong_clock):
    assert abs(timezone.now() - wrong_clock - database_now()) < NEAR


def test_task__started_and_cancelled_by_a_wrong_clock__has_the_right_times(ana, songs, wrong_clock):
    task = start(ana)
    job = Job.objects.get()
    for moment in (task.created_at, task.updated_at, job.created_at):
        assert abs(moment - database_now()) < NEAR
    cancel_generation(user=ana, task_id=task.pk)
    assert abs(Job.objects.get().ended_at - database_now()) < NEAR


def test_queue__after_a_task_of_a_wrong_clock__serves_in_the_right_order(ana, songs, monkeypatch):
    first = start(ana)
    right = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() - DAYS)
    start(ana, seed=1)
    assert queue.take_next(queue_job_id=0).task_id == first.pk


def test_worker_of_a_wrong_clock__moves_and_sweeps_without_a_trace(ana, songs, wrong_clock):
    start(ana)
    lease = queue.take_next(queue_job_id=0)
    progress.advance(lease, "analyzing")
    sweep()
    row = ChoreographyTask.objects.get()
    assert row.told_status == "running"
    assert abs(row.updated_at - database_now()) < NEAR


def test_stalled_call__is_made_again_at_once_whatever_this_machine_believes(ana, songs, wrong_clock):
    start(ana)
    with connection.cursor() as cursor:  # as a worker does whose heartbeat then stops
        cursor.execute("SELECT procrastinate_fetch_job_v2(NULL, procrastinate_register_worker_v1())")
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '3 days'")
    assert ProcrastinateJob.objects.get().status == "doing"
    calls.repeat_stalled_calls()
    call = ProcrastinateJob.objects.get()
    assert (call.status, call.scheduled_at <= database_now()) == ("todo", True)


def test_row_of_the_original__counts_by_the_databases_time(ana, songs, wrong_clock):
    start(ana)
    ChoreographyTask.objects.create(task_id="theirs", user=ana, status=stored("running"))
    ChoreographyTask.objects.filter(pk="theirs").update(created_at=database_now())
    lease = queue.take_next(queue_job_id=0)
    assert ChoreographyTask.objects.get(pk=lease.task_id).told_status == "started", "it gives way to the original"


def test_token__expires_by_the_databases_time(ana, wrong_clock, rf):
    _, living = issue_token(user=ana, name="a", scopes=["read"], expires_at=database_now() + NEAR)
    _, over = issue_token(user=ana, name="b", scopes=["read"], expires_at=database_now() - NEAR)
    assert (valid_token(living, request=rf.get("/")) is None, valid_token(over, request=rf.get("/"))) == (False, None)

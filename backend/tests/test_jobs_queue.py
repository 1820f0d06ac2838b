"""Which jobs run, which wait, and what the sweep repairs."""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from apps.choreography import progress
from apps.choreography.models import ChoreographyTask
from apps.choreography.original import STUCK
from apps.choreography.selectors import task_of
from apps.generation import queue
from apps.generation.services import cancel_generation
from apps.generation.sweep import sweep, sweeping
from apps.generation.worker import carry_out_generation
from apps.jobs import calls, leases
from apps.jobs.models import Job
from tests.conftest import make_user
from tests.evolving import stored
from tests.generating import SONG, assert_completed_once, output_files, place_song, start
from tests.workers import Workers, hold_on, workers_on

FIRST = "Starting choreography generation..."


@pytest.fixture
def songs(media_root) -> None:
    (media_root / "songs").mkdir()
    (media_root / "songs" / SONG).write_bytes(b"not heard before the worker comes")


def messages(tasks: list[ChoreographyTask]) -> list[str]:
    return [task_of(task.user, task.pk).message for task in tasks]


def test_places__are_told_and_move_up(ana, songs):
    tasks = [start(ana, seed=seed) for seed in range(4)]
    waiting = [f"Waiting: {n} ahead of you" for n in (1, 2, 3)]
    assert messages(tasks) == [FIRST, *waiting]
    lease = queue.take_next(queue_job_id=0)
    assert messages(tasks) == ["Downloading audio...", *waiting]
    cancel_generation(user=ana, task_id=tasks[2].pk)
    assert messages([tasks[1], tasks[3]]) == waiting[:2]
    progress.fail(lease, reason="It is silent.")
    assert messages([tasks[1], tasks[3]]) == [FIRST, waiting[0]]
    waiting = ChoreographyTask.objects.filter(status=stored("started")).values_list("message", flat=True)
    assert set(waiting) == {FIRST}, "a place that is stored would be wrong with the next move of the queue"


def test_places__with_more_at_once__only_who_has_to_wait_is_told(ana, songs, settings):
    settings.PARALLEL_RUNNING_LIMIT = 2
    assert messages([start(ana) for _ in range(3)]) == [FIRST, FIRST, "Waiting: 2 ahead of you"]


@pytest.mark.parametrize("limit", [1, 2])
def test_limit__no_more_than_that_many_are_running(ana, songs, settings, limit):
    settings.PARALLEL_RUNNING_LIMIT = limit
    tasks = [start(ana) for _ in range(4)]
    taken = [queue.take_next(queue_job_id=0) for _ in range(4)]
    assert [lease.task_id for lease in taken if lease] == [task.pk for task in tasks[:limit]]
    assert Counter(ChoreographyTask.objects.values_list("status", flat=True)) == {
        stored("running"): limit,
        stored("started"): 4 - limit,
    }
    progress.fail(taken[0], reason="It is silent.")
    assert queue.take_next(queue_job_id=0).task_id == tasks[limit].pk


def test_limit_of_a_user__at_work__the_others_use_the_room(ana, ben, songs, settings):
    settings.PARALLEL_RUNNING_LIMIT, settings.USER_RUNNING_LIMIT = 3, 2
    [start(ana) for _ in range(4)]
    taken = [queue.take_next(queue_job_id=0) for _ in range(3)]
    assert [lease and lease.user_id for lease in taken] == [ana.pk, ana.pk, None]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    sweep()
    assert not ProcrastinateJob.objects.exists(), "no worker is called: nothing may begin"
    start(ben)
    assert queue.take_next(queue_job_id=0).user_id == ben.pk
    progress.fail(taken[0], reason="It is silent.")
    assert queue.take_next(queue_job_id=0).user_id == ana.pk


def test_limit_of_a_user__nothing_may_run__nothing_begins(ana, songs, settings):
    settings.USER_RUNNING_LIMIT = 0
    start(ana)
    assert queue.take_next(queue_job_id=0) is None


def test_limit__workers_race__no_more_than_that_many_are_running(own_database, songs):
    user = make_user("ana")
    [start(user) for _ in range(5)]
    gate, taken = threading.Barrier(5), []

    def run() -> None:
        gate.wait()
        taken.append(queue.take_next(queue_job_id=0))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert [lease is None for lease in taken].count(False) == 1
    assert ChoreographyTask.objects.filter(status=stored("running")).count() == 1


def test_job_left_behind__comes_first_of_its_users_and_still_counts(ana, songs, settings):
    tasks = [start(ana) for _ in range(2)]
    settings.JOB_LEASE_S = -1  # a lease that is over as soon as it is taken
    first = queue.take_next(queue_job_id=0)
    settings.JOB_LEASE_S = 60
    second = queue.take_next(queue_job_id=5)
    assert (second.task_id, second.attempt) == (tasks[0].pk, 2)
    assert second.token != first.token
    assert ChoreographyTask.objects.get(pk=tasks[0].pk).job_execution_name == "procrastinate/jobs/5"
    assert queue.take_next(queue_job_id=0) is None


def test_job_left_behind_too_often__fails_with_a_reason_and_the_next_is_taken(ana, songs, settings):
    tasks = [start(ana) for _ in range(2)]
    settings.JOB_LEASE_S = -1
    [queue.take_next(queue_job_id=0) for _ in range(3)]
    settings.JOB_LEASE_S = 60
    assert queue.take_next(queue_job_id=0).task_id == tasks[1].pk
    row = ChoreographyTask.objects.get(pk=tasks[0].pk)
    assert (row.status, row.stage) == ("failed", "failed")
    assert row.error == "Its worker was stopped in the middle of the work (attempts: 3). Please try again."
    assert Job.objects.get(pk=row.pk).outcome == "failed"


def test_lost_call__is_made_again_once(ana, songs):
    start(ana)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    [sweep() for _ in range(3)]
    assert [call.args for call in ProcrastinateJob.objects.all()] == [{"task_id": ""}]


def test_nothing_to_do__no_worker_is_called(ana, songs):
    start(ana)
    queue.take_next(queue_job_id=0)
    start(ana)  # has to wait
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    sweep()
    assert not ProcrastinateJob.objects.exists()


def test_sweep__waiting_row_given_up_by_the_original__waits_again(ana, songs):
    task = start(ana)
    ChoreographyTask.objects.update(status="failed", progress=0, error=STUCK)
    sweep()
    row = ChoreographyTask.objects.get()
    assert (row.pk, row.told_status, row.progress, row.error) == (task.pk, "started", 0, None)


def test_sweep__waiting_row_failed_with_other_words__is_left_and_its_job_ends(ana, songs):
    start(ana)
    ChoreographyTask.objects.update(status="failed", error="The admin said no.")
    sweep()
    assert queue.take_next(queue_job_id=0) is None
    assert ChoreographyTask.objects.get().error == "The admin said no."
    assert (Job.objects.get().outcome, Job.objects.get().error) == ("failed", "The admin said no.")


def test_sweep__waiting_row_that_is_gone__is_cancelled(ana, songs):
    start(ana)
    ChoreographyTask.objects.all().delete()
    sweep()
    assert Job.objects.get().outcome == "cancelled"
    assert Job.objects.get().ended_at <= timezone.now()


def test_sweep_that_fails__is_tried_again(own_database, settings, tmp_path, caplog):
    settings.JOB_SWEEP_S = 0.01
    with sweeping():
        with psycopg.connect(own_database.url("owner")) as session:
            session.execute("ALTER TABLE backend.jobs RENAME TO elsewhere")
        waiting = Workers(own_database, tmp_path)
        waiting.until(lambda: "the sweep failed; it is tried again in 0.01 s" in caplog.text, "a sweep fails")
        with psycopg.connect(own_database.url("owner")) as session:
            session.execute("ALTER TABLE backend.elsewhere RENAME TO jobs")
        user = make_user("ana")
        Job.objects.create(task_id="t", user=user, request={}, created_at=timezone.now())
        waiting.until(lambda: Job.objects.get().outcome == "cancelled", "a later sweep succeeds")


@contextmanager
def waiting_at(own_database, table: str, tmp_path) -> Iterator[Callable[[], int]]:
    """Let every session wait that comes to a table; yield what waits for one and returns its server's process."""
    with psycopg.connect(own_database.url("owner")) as session:
        session.execute(f"LOCK TABLE {table}")
        waits = (
            "SELECT pid FROM pg_locks WHERE NOT granted AND relation = %s::text::regclass"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        workers = Workers(own_database, tmp_path)

        def first() -> tuple[int] | None:
            return session.execute(waits, [table]).fetchone()

        yield lambda: workers.until(first, f"a session comes to {table}")[0]


def test_sweep__its_session_ends_while_it_repeats_calls__is_tried_again(own_database, settings, tmp_path, caplog):
    settings.JOB_SWEEP_S = 0.01
    user = make_user("ana")
    with sweeping():
        with (
            waiting_at(own_database, "backend.procrastinate_workers", tmp_path) as comes,
            psycopg.connect(own_database.url("owner")) as other,
        ):
            other.execute("SELECT pg_terminate_backend(%s)", [comes()])
        waiting = Workers(own_database, tmp_path)
        waiting.until(lambda: "the sweep failed; it is tried again in 0.01 s" in caplog.text, "the sweep fails")
        Job.objects.create(task_id="t", user=user, request={}, created_at=timezone.now())
        waiting.until(lambda: Job.objects.get().outcome == "cancelled", "a later sweep succeeds")


def test_call__its_session_ends__is_an_error_of_the_database(own_database, tmp_path):
    errors = []

    def call() -> None:
        try:
            calls.call_worker()
        except OperationalError as error:
            errors.append(error)
        finally:
            connection.close()

    with (
        waiting_at(own_database, "backend.procrastinate_jobs", tmp_path) as comes,
        psycopg.connect(own_database.url("owner")) as other,
    ):
        thread = threading.Thread(target=call)
        thread.start()
        other.execute("SELECT pg_terminate_backend(%s)", [comes()])
        thread.join()
    assert len(errors) == 1, "problems.py answers this error with 503"


def test_hanging_worker__is_not_renewed_for_ever(own_database, settings):
    settings.JOB_LEASE_S, settings.JOB_TIME_LIMIT_S = 0.05, 0.0
    Job.objects.create(task_id="t", user=make_user("ana"), request={}, created_at=timezone.now())
    with leases.short_transaction():
        lease = leases.take("t", queue_job_id=0)
    expires_at = Job.objects.get().lease_expires_at
    renewed = []
    with leases.kept(lease, each_time=lambda: renewed.append(1)):
        [thread.join() for thread in threading.enumerate() if thread.name == "lease-t"]
    assert (renewed, Job.objects.get().lease_expires_at) == ([], expires_at)


def test_calls_of_a_killed_worker__are_made_again_and_every_task_is_completed(
    own_database, tmp_path, settings, moves_library, demo_song
):
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    user = make_user("ana")
    with hold_on(own_database) as hold, workers_on(own_database, tmp_path, JOB_LEASE_S=1, JOB_SWEEP_S=0.2) as workers:
        name = workers.start()
        hold.at("selecting")
        tasks = [start(user, seed=seed) for seed in range(2)]
        workers.until(hold.who_waits, "the worker is in the middle of the first")
        workers.kill(name)
        hold.release()
        assert ProcrastinateJob.objects.filter(status="doing").count() == 1
        last = workers.start()
        workers.until(lambda: not leases.live().exists(), "both are completed")
        workers.until(lambda: not ProcrastinateJob.objects.filter(status="doing").exists(), "no call is left")
        workers.signal(last, signal.SIGTERM)
    assert_completed_once(user, [task.pk for task in tasks])
    assert [Job.objects.get(pk=task.pk).attempt for task in tasks] == [2, 1]


@pytest.mark.full
def test_session_that_ends_while_the_end_of_a_call_is_written__the_call_ends(
    own_database, tmp_path, settings, moves_library, demo_song
):
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    user = make_user("ana")
    with hold_on(own_database) as hold, workers_on(own_database, tmp_path) as workers:
        hold.at("selecting")
        task = start(user)
        workers.start()
        workers.until(hold.who_waits, "the worker is in the middle of it")
        with psycopg.connect(own_database.url("owner")) as session:
            session.execute("LOCK TABLE backend.procrastinate_jobs IN SHARE MODE")
            hold.release()
            ending = (
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                " AND query LIKE '%finish_job%' AND pid <> pg_backend_pid()"
            )

            def writes_the_end() -> object:
                with psycopg.connect(own_database.url("postgres")) as looking:
                    return looking.execute(ending).fetchone()

            (pid,) = workers.until(writes_the_end, "the worker writes the end of the call")
            with psycopg.connect(own_database.url("postgres")) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [pid])
        workers.until(lambda: not ProcrastinateJob.objects.filter(status="doing").exists(), "no call is left")
    assert_completed_once(user, [task.pk])


def test_one_worker_many_tasks__all_are_completed_in_their_order(own_database, settings, moves_library, demo_song):
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    user = make_user("ana")
    tasks = [start(user, seed=seed).pk for seed in range(3)]
    call_command("procrastinate", "worker", "--one-shot")
    assert_completed_once(user, tasks)
    assert list(Job.objects.order_by("ended_at").values_list("task_id", flat=True)) == tasks


def test_carry_out__lease_that_is_over_and_taken__writes_nothing(own_database, settings, moves_library, demo_song):
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    start(make_user("ana"))
    settings.JOB_LEASE_S = -1
    stale = queue.take_next(queue_job_id=0)
    settings.JOB_LEASE_S = 60
    queue.take_next(queue_job_id=0)
    before = list(ChoreographyTask.objects.values()) + list(Job.objects.values())
    carry_out_generation(stale)
    assert list(ChoreographyTask.objects.values()) + list(Job.objects.values()) == before
    assert output_files() == []

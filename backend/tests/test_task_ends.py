"""A task that its user and its worker end in the same moment, and who is next."""

import threading
import time
from collections.abc import Callable
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client

from apps.choreography import progress
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.generation import queue
from apps.generation.worker import carry_out_generation
from apps.jobs.models import Job
from tests.conftest import make_user
from tests.generating import assert_completed_once, output_files, place_song, start
from tests.workers import LOCK, PATIENCE_S, Hold, hold_on, workers_on


@pytest.fixture
def ana(own_database, settings, moves_library, demo_song):
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    return make_user("ana")


def until(is_so: Callable[[], object], what: str) -> None:
    """Wait for what another session does; polled, as nothing tells of a lock that is waited for."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.01)


def waiting(hold: Hold, condition: str) -> int:
    """Return how many sessions wait for a lock."""
    waiting = "datname = current_database() AND NOT granted"
    sql = f"SELECT count(DISTINCT pid) FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE {waiting} AND {condition}"  # noqa: S608
    return hold.session.execute(sql).fetchone()[0]


def is_held(hold: Hold) -> bool:
    return waiting(hold, f"locktype = 'advisory' AND objid = {LOCK}") == 1


def cancels_that_wait(hold: Hold) -> int:
    # A worker locks the row FOR NO KEY UPDATE.
    return waiting(hold, "locktype IN ('transactionid', 'tuple') AND query LIKE '%choreography_tasks%FOR UPDATE%'")


@contextmanager
def in_thread(act: Callable[[], object]):
    """Do it in a session of its own meanwhile; gives the list that will have its answer."""
    answers: list = []

    def run() -> None:
        try:
            answers.append(act())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield answers
    thread.join()


def work() -> None:
    carry_out_generation(queue.take_next(queue_job_id=0))


def deleting(user, url: str) -> Callable[[], object]:
    client = Client()
    client.force_login(user)
    return lambda: client.delete(url)


def test_cancel__while_the_worker_commits_the_end__the_worker_wins_and_nothing_is_lost(ana, own_database):
    task = start(ana)
    url = f"/api/choreography/tasks/{task.pk}"
    acts = [deleting(ana, url) for _ in range(2)]
    with hold_on(own_database) as hold:
        hold.at("committed")
        with in_thread(work):
            until(lambda: is_held(hold), "the worker is about to commit")
            with in_thread(acts[0]) as one, in_thread(acts[1]) as two:
                until(lambda: cancels_that_wait(hold) == 2, "both cancels wait for the worker's commit")
                hold.release()
    assert [(answer.status_code, answer.json()["type"]) for answer in (*one, *two)] == [
        (409, "urn:compas:problem:task-finished")
    ] * 2
    assert_completed_once(ana, [task.pk])


def test_cancel__before_the_worker_writes_the_end__the_cancel_wins_and_nothing_is_left(ana, own_database, monkeypatch):
    cancelled, complete = threading.Event(), progress.complete

    def complete_after_the_cancel(*given, **told) -> None:
        # A worker that is fast has the row before who waited for it has woken.
        assert cancelled.wait(PATIENCE_S)
        complete(*given, **told)

    monkeypatch.setattr(progress, "complete", complete_after_the_cancel)
    task = start(ana)
    act = deleting(ana, f"/api/choreography/tasks/{task.pk}")
    with hold_on(own_database) as hold:
        hold.at("finalizing")
        with in_thread(work):
            until(lambda: is_held(hold), "the worker has made the video")
            with in_thread(act) as answers:
                until(lambda: cancels_that_wait(hold) == 1, "the cancel waits for the row")
                hold.release()
            cancelled.set()
    assert [answer.status_code for answer in answers] == [200]
    assert Job.objects.get().outcome == "cancelled"
    assert (ChoreographyTask.objects.exists(), SavedChoreography.objects.exists(), output_files()) == (False, False, [])


@pytest.mark.full
def test_turns__forty_of_one_user__anothers_starts_next(ana, own_database, tmp_path):
    with hold_on(own_database) as hold, workers_on(own_database, tmp_path) as workers:
        hold.at("selecting")
        first, *others = [start(ana) for _ in range(40)]
        workers.start()
        workers.until(hold.who_waits, "the worker is in the middle of the first")
        ben = start(make_user("ben"))
        assert ben.facts.ahead == 1
        hold.release()
        workers.until(lambda: Job.objects.filter(pk=ben.pk, began_at__isnull=False).exists(), "Ben's begins")
        begun = list(Job.objects.filter(began_at__isnull=False).order_by("began_at").values_list("pk", flat=True)[:2])
        assert begun == [first.pk, ben.pk]
    assert len(others) == 39

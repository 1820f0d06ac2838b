"""Users take turns, and an event costs the same however many jobs wait."""

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.authentication.models import User
from apps.choreography import original, progress
from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import task_of, tasks_of
from apps.generation import queue
from apps.generation.services import cancel_generation
from apps.generation.sweep import sweep
from apps.jobs import leases, turns
from apps.jobs.models import Job, Turn
from apps.titles import following
from tests.conftest import make_user, wait_until_sessions_wait
from tests.evolving import stored
from tests.generating import SONG, start

FIRST = "Starting choreography generation..."


@pytest.fixture(autouse=True)
def songs(media_root) -> None:
    (media_root / "songs").mkdir()
    (media_root / "songs" / SONG).write_bytes(b"not heard before the worker comes")


def make_one() -> str | None:
    """Take the next job and end it; return whose it was."""
    lease = queue.take_next(queue_job_id=0)
    if lease is None:
        return None
    progress.fail(lease, reason="It is silent.")
    return User.objects.get(pk=lease.user_id).username


def order_of(number: int) -> list[str | None]:
    return [make_one() for _ in range(number)]


def test_turns__one_with_many_and_one_with_few__alternate(ana, ben):
    [start(ana) for _ in range(5)]
    [start(ben) for _ in range(2)]
    assert order_of(8) == ["ana", "ben", "ana", "ben", "ana", "ana", "ana", None]


def test_turns__a_line_in_which_users_stay_first__would_serve_the_many_first(ana, ben, monkeypatch):
    monkeypatch.setattr(turns, "end_turn", lambda *_: None)
    [start(ana) for _ in range(3)]
    start(ben)
    assert order_of(4) == ["ana", "ana", "ana", "ben"]


def test_turns__the_tasks_of_one_user__keep_their_order(ana, ben):
    tasks = [start(user) for user in (ana, ana, ben, ana)]
    taken = []
    while lease := queue.take_next(queue_job_id=0):
        taken.append(lease.task_id)
        progress.fail(lease, reason="It is silent.")
    assert taken == [tasks[number].pk for number in (0, 2, 1, 3)]


def test_turns__who_comes_back_with_one_task_each_time__gets_no_more_than_the_others(ana, ben):
    [start(ana) for _ in range(4)]
    served = []
    for _ in range(6):
        if not leases.waiting().filter(user_id=ben.pk).exists():
            start(ben)
        served.append(make_one())
    assert served == ["ana", "ben"] * 3


def test_turns__job_whose_worker_was_killed__waits_for_its_users_next_turn(ana, ben, settings):
    tried = start(ana)
    start(ben)
    settings.JOB_LEASE_S = -1  # a lease that is over as soon as it is taken
    queue.take_next(queue_job_id=0)
    settings.JOB_LEASE_S = 60
    lease = queue.take_next(queue_job_id=0)
    assert lease.user_id == ben.pk
    row = ChoreographyTask.objects.get(pk=tried.pk)
    assert (row.told_status, row.stage, row.progress, row.message) == ("started", "initializing", 0, FIRST)
    assert task_of(ana, tried.pk).message == "Waiting: 1 ahead of you"
    progress.fail(lease, reason="It is silent.")
    again = queue.take_next(queue_job_id=0)
    assert (again.task_id, again.attempt) == (tried.pk, 2)


def test_turns__worker_that_comes_back_before_its_job_is_given_back__keeps_it(ana):
    task = start(ana)
    lease = queue.take_next(queue_job_id=0)
    progress.wait_again(task.pk)
    assert Job.objects.get().token == lease.token
    assert ChoreographyTask.objects.get().told_status == "running"


def test_turns__cancelled_tasks__use_up_no_turn(ana, ben):
    cancelled = [start(ana) for _ in range(3)]
    start(ben)
    start(ana)
    for task in cancelled:
        cancel_generation(user=ana, task_id=task.pk)
    assert order_of(3) == ["ana", "ben", None]


def test_turns__rows_that_the_original_deleted__use_up_no_turn(ana, ben):
    [start(ana) for _ in range(3)]
    start(ben)
    ChoreographyTask.objects.filter(user=ana).delete()
    assert order_of(2) == ["ben", None]
    assert set(Job.objects.filter(user=ana).values_list("outcome", flat=True)) == {"cancelled"}


def test_turns__user_who_was_deleted__is_passed_over_and_leaves_the_line(ana, ben):
    [start(user) for user in (ana, ben)]
    ana.delete()
    assert order_of(2) == ["ben", None]
    assert not Turn.objects.exists()


def test_turns__user_who_is_missing_in_the_line__joins_with_the_next_sweep(ana):
    start(ana)
    Turn.objects.all().delete()  # as if an older version had written the job
    assert make_one() is None
    sweep()
    assert make_one() == "ana"


def test_turns__web_server_that_stops_while_it_starts_a_task__delays_its_user_only(own_database):
    ana, ben = make_user("ana"), make_user("ben")
    [start(user) for user in (ana, ben)]
    with psycopg.connect(own_database.url("backend_app")) as stopped:
        stopped.execute("INSERT INTO backend.turns (user_id) VALUES (%s) ON CONFLICT (user_id)"
                        " DO UPDATE SET user_id = excluded.user_id", [ana.pk])  # fmt: skip
        assert order_of(2) == ["ben", None]
        stopped.rollback()
    assert order_of(2) == ["ana", None]


def test_turns__task_started_while_a_worker_removes_its_user__is_not_forgotten(own_database):
    user = make_user("ana")
    cancel_generation(user=user, task_id=start(user).pk)  # now in the line, and waiting for nothing
    with psycopg.connect(own_database.url("backend_app")) as worker:
        worker.execute("SELECT FROM backend.turns FOR UPDATE")
        starting = threading.Thread(target=start_and_close, args=(user,))
        starting.start()
        wait_until_sessions_wait(own_database)
        worker.execute("DELETE FROM backend.turns")
        worker.commit()
        starting.join()
    assert order_of(2) == ["ana", None]


def start_and_close(user: User) -> None:
    start(user)
    connection.close()


def test_places__of_users_who_take_turns__are_those_of_their_turns(ana, ben):
    mine = [start(ana) for _ in range(3)]
    hers = [start(ben) for _ in range(2)]
    places = turns.places(ana.pk) | turns.places(ben.pk)
    assert [places[task.pk] for task in mine] == [0, 2, 4]
    assert [places[task.pk] for task in hers] == [1, 3]
    assert turns.places(ana.pk, [mine[1].pk, hers[0].pk]) == {mine[1].pk: 2}
    queue.take_next(queue_job_id=0)
    places = turns.places(ana.pk) | turns.places(ben.pk)
    assert [places[task.pk] for task in mine[1:]] == [2, 4]
    assert [places[task.pk] for task in hers] == [1, 3]


@pytest.mark.parametrize("seed", range(2))
def test_places__any_queue__are_the_order_in_which_the_jobs_are_taken(db, seed):
    users = [make_user(name) for name in ("ana", "ben", "carla")]
    tasks = [start(users[(number * 7 + seed * 5) % 11 % 3]) for number in range(12)]
    make_one()
    places = {task: ahead for user in users for task, ahead in turns.places(user.pk).items()}
    taken = []
    while lease := queue.take_next(queue_job_id=0):
        taken.append(lease.task_id)
        progress.fail(lease, reason="It is silent.")
    assert (sorted(places, key=places.__getitem__), sorted(places.values())) == (taken, list(range(len(tasks) - 1)))


def test_places__far_behind__are_not_counted_out(ana, ben, monkeypatch):
    monkeypatch.setattr(turns, "FURTHEST", 3)
    tasks = [start(ana) for _ in range(7)]
    told = [task_of(ana, task.pk).message for task in tasks]
    more = "Waiting: more than 3 ahead of you"
    assert told == [FIRST, *(f"Waiting: {ahead} ahead of you" for ahead in (1, 2, 3)), more, more, more]
    assert task_of(ben, start(ben).pk).message == "Waiting: 1 ahead of you"


ENDED = """
    INSERT INTO jobs (task_id, user_id, request, auto_save, created_at, owner, attempt, outcome, ended_at)
    SELECT 'ended ' || n, %s, '{}', true, now(), '', 1, 'completed', now() FROM generate_series(1, 5000) AS n
"""


def indexes_that_places_read(user: User) -> set[str]:
    """Return the indexes by which the places of a user are found where statistics tell of ended jobs alone."""
    with connection.cursor() as cursor:
        cursor.execute(ENDED, [user.pk])
        cursor.execute("ANALYZE jobs")
        [start(user) for _ in range(5)]
        cursor.execute(f"EXPLAIN {turns._PLACES}", {"user_id": user.pk, "asked": None, "furthest": turns.FURTHEST})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on jobs" not in plan
    return set(re.findall("(?:using|on) (jobs_\\w+)", plan))


def test_places__where_statistics_know_of_no_live_job__read_one_users_waiting_jobs_at_a_time(ana):
    assert indexes_that_places_read(ana) == {"jobs_waiting_idx", "jobs_taken_idx"}


def test_places__with_an_index_of_all_live_jobs__would_read_them_all_for_each_user(ana):
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX jobs_live_idx ON jobs (created_at) WHERE outcome IS NULL")
    assert "jobs_live_idx" in indexes_that_places_read(ana)


def test_estimate__by_the_last_jobs_and_the_workers_that_are_there(ana, api, settings):
    def told(task: ChoreographyTask) -> list[float | None]:
        """Return the estimate in seconds from now, to the hundred: its times are whole half minutes."""
        estimate = api.get(f"/api/choreography/tasks/{task.pk}").json()["estimate"]
        times = [estimate["starts_at"], estimate["ends_at"]]
        return [time and round((datetime.fromisoformat(time) - timezone.now()).total_seconds(), -2) for time in times]

    with connection.cursor() as cursor:  # as a worker does when it starts
        cursor.execute("SELECT procrastinate_register_worker_v1()")
    start(ana)
    lease = queue.take_next(queue_job_id=0)
    waiting = [start(ana) for _ in range(3)]
    assert told(waiting[0]) == [None, None], "none was made yet"
    progress.complete(lease, result={})
    # As if it had taken 600 s: the transaction of a test has one time.
    Job.objects.filter(pk=lease.task_id).update(began_at=timezone.now() - timedelta(seconds=600))
    assert [told(task) for task in waiting] == [[0, 600], [600, 1200], [1200, 1800]]
    queue.take_next(queue_job_id=0)
    assert [told(task) for task in waiting] == [[0, 600], [600, 1200], [1200, 1800]]
    Job.objects.filter(pk=waiting[0].pk).update(began_at=timezone.now() - timedelta(seconds=700))
    assert told(waiting[0]) == [-700, None], "it takes longer than usual: its end is not known"
    settings.PARALLEL_RUNNING_LIMIT = 2
    assert told(waiting[2]) == [1200, 1800], "there is one worker"
    with connection.cursor() as cursor:
        cursor.execute("SELECT procrastinate_register_worker_v1()")
    assert told(waiting[2]) == [600, 1200]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    assert told(waiting[2]) == [None, None], "no worker is there"


def test_page__asks_again_when_only_the_place_has_moved__is_told(api, ana):
    first, second = start(ana), start(ana)
    page = {"path": f"/studio/{second.pk}", "headers": {"HX-Request": "true"}}
    seen = f"{second.updated_at.isoformat()} {second.message}"
    assert api.get(**page, data={"seen": seen}).status_code == 204
    cancel_generation(user=ana, task_id=first.pk)
    told = api.get(**page, data={"seen": seen})
    assert (told.status_code, FIRST in told.content.decode()) == (200, True)


def test_list__tells_the_places_with_as_many_statements_as_for_one(api, ana):
    api.get("/api/choreography/tasks")  # the first request of a session also notes that the session is used
    [start(ana) for _ in range(3)]
    with CaptureQueriesContext(connection) as of_three:
        listed = api.get("/api/choreography/tasks").json()["results"]
    assert [task["message"] for task in reversed(listed)] == [
        FIRST, "Waiting: 1 ahead of you", "Waiting: 2 ahead of you",
    ]  # fmt: skip
    [start(ana) for _ in range(3)]
    with CaptureQueriesContext(connection) as of_six:
        api.get("/api/choreography/tasks")
    assert len(of_six) == len(of_three)


# What happens to a queue: each returns how many statements it took.
def events(ana: User, ben: User) -> dict[str, Callable[[], object]]:
    client = Client()
    client.force_login(ben)
    state: dict[str, object] = {}

    def starts() -> None:
        state["task"], state["second"] = start(ben), start(ben)

    def takes() -> None:
        state["lease"] = queue.take_next(queue_job_id=0)

    return {
        "two tasks are started": starts,
        "its page asks": lambda: client.get(f"/studio/{state['task'].pk}", headers={"HX-Request": "true"}),
        "the API asks": lambda: client.get(f"/api/choreography/tasks/{state['task'].pk}"),
        "the other lists": lambda: list(tasks_of(ana)[:20]),
        "a job is taken": takes,
        "a stage is entered": lambda: progress.advance(state["lease"], "analyzing"),
        "a lease is renewed": lambda: progress.give_way_to_the_original(state["lease"]),
        "a job ends": lambda: progress.fail(state["lease"], reason="It is silent."),
        "a worker is called": queue.call_worker_if_due,
        "a task is cancelled": lambda: cancel_generation(user=ben, task_id=state["second"].pk),
        "a sweep": sweep,
    }


def statements_of(ana: User, ben: User) -> dict[str, int]:
    counted = {}
    for name, event in events(ana, ben).items():
        with CaptureQueriesContext(connection) as captured:
            event()
        counted[name] = len(captured)
    return counted


def fill(user: User, number: int) -> None:
    [start(user) for _ in range(number - leases.waiting().filter(user_id=user.pk).count())]


@pytest.fixture
def many(settings) -> int:
    settings.USER_WAITING_LIMIT = 200
    return 200


@pytest.fixture
def titles_are_always_due(monkeypatch) -> None:
    """Let each sweep look at the titles too: once a minute, it would be one of those that are compared."""
    monkeypatch.setattr(following, "SWEEP_S", 0.0)
    monkeypatch.setattr(following, "sweep", following.TitleSweep())


@pytest.mark.usefixtures("titles_are_always_due")
def test_statements__of_each_event__are_as_many_with_200_waiting_as_with_5(ana, ben, many):
    # The first of each kind also fills caches of Django, such as content types.
    for _ in range(2):
        fill(ana, 5)
        few = statements_of(ana, ben)
    fill(ana, many)
    assert statements_of(ana, ben) == few


@pytest.mark.usefixtures("titles_are_always_due")
def test_statements__one_for_each_waiting_job__would_be_noticed(ana, ben, many, monkeypatch):
    fill(ana, 5)
    few = statements_of(ana, ben)
    fill(ana, 20)
    everything = leases.waiting().values_list("pk", flat=True)
    monkeypatch.setattr(original, "touched_while_waiting", lambda **_: list(everything.all()))
    assert statements_of(ana, ben)["a sweep"] > few["a sweep"]


def test_sweep__however_many_rows_the_original_touched__repairs_those_of_every_user_in_time(ana, ben, monkeypatch):
    monkeypatch.setattr("apps.generation.sweep.REPAIRS", 3)
    mine = [start(ana) for _ in range(5)]
    hers = start(ben)
    ChoreographyTask.objects.update(status="failed", progress=0, error=original.STUCK)
    sweep()
    waiting = set(ChoreographyTask.objects.filter(status=stored("started")).values_list("pk", flat=True))
    assert waiting == {mine[0].pk, hers.pk, mine[1].pk}
    sweep()
    assert ChoreographyTask.objects.filter(status=stored("started")).count() == len([*mine, hers])


def test_turns__who_joins_while_another_is_served__is_next(ana, ben, settings):
    settings.PARALLEL_RUNNING_LIMIT = 2
    [start(ana) for _ in range(3)]
    first = queue.take_next(queue_job_id=0)
    tasks = [start(ben) for _ in range(2)]
    assert [turns.places(ben.pk)[task.pk] for task in tasks] == [1, 3]
    second = queue.take_next(queue_job_id=0)
    assert [lease.user_id for lease in (first, second)] == [ana.pk, ben.pk], "of ana one is in the making"
    progress.fail(second, reason="It is silent.")
    turns.end_turn(ben.pk)  # as a worker does
    assert queue.take_next(queue_job_id=0).user_id == ben.pk

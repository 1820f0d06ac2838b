"""The original's real housekeeping against the backend's tasks: none is lost, doubled or stuck."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from apps.choreography.models import ChoreographyTask
from apps.choreography.original import STUCK, is_at_work
from apps.collections.models import SavedChoreography
from apps.generation import queue
from apps.generation.worker import make_next
from apps.jobs.models import Job
from tests.conftest import make_user
from tests.evolving import stored
from tests.generating import SONG, age, assert_completed_once, made_files, output_files, place_song, start
from tests.original import CANCEL_ALL, FAIL_STUCK, FORGET_OLD, Original, original_shell
from tests.workers import Gate, Workers


@pytest.fixture(scope="module")
def original() -> Iterator[Original]:
    with original_shell() as shell:
        yield shell


@pytest.fixture
def ana(own_database, moves_library, demo_song, settings):
    settings.MOVES_LIBRARY = moves_library
    settings.JOB_LEASE_S = 0.6  # renewed every 0.2 s
    place_song(demo_song)
    return make_user("ana")


@contextmanager
def one_at_work(database, settings, tmp_path) -> Iterator[Callable[[], None]]:
    """Hold a worker in the stage "selecting" of a job; the yielded function lets it finish."""
    gate = Gate(tmp_path / "library", settings.MOVES_LIBRARY)
    settings.MOVES_LIBRARY = gate.folder
    waiting = Workers(database, tmp_path)

    def run() -> None:
        make_next(queue_job_id=0)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    pipe = waiting.until(gate.open, "the worker reads the library")

    def go_on() -> None:
        gate.let_through(pipe)
        thread.join()

    yield go_on


def read(user, task_id: str) -> dict[str, object]:
    client = Client()
    client.force_login(user)
    answer = client.get(f"/api/choreography/tasks/{task_id}")
    return {"code": answer.status_code} | answer.json()


def test_failed_while_waiting__is_taken_back_and_completed(ana, original, own_database):
    ids = [start(ana, seed=seed).pk for seed in range(3)]
    [age(task_id, minutes=6) for task_id in ids]
    original.run(own_database, FAIL_STUCK)
    assert set(ChoreographyTask.objects.values_list("status", "error")) == {("failed", STUCK)}
    call_command("procrastinate", "worker", "--one-shot")
    assert_completed_once(ana, ids)


def test_failed_at_work__is_taken_back_while_it_goes_on(ana, original, own_database, settings, tmp_path):
    task = start(ana)
    with one_at_work(own_database, settings, tmp_path) as go_on:
        age(task.pk, minutes=6)
        original.run(own_database, FAIL_STUCK)
        Workers(own_database, tmp_path).until(
            lambda: ChoreographyTask.objects.filter(status=stored("running")).exists(), "the holder takes it back"
        )
        row = ChoreographyTask.objects.get()
        assert (row.progress, row.stage, row.error) == (40, "selecting", None)
        go_on()
    assert_completed_once(ana, [task.pk])
    assert Job.objects.get().attempt == 1


def test_failed_at_work__with_a_reason_of_its_own__stays_failed(ana, own_database, settings, tmp_path):
    task = start(ana)
    with one_at_work(own_database, settings, tmp_path) as go_on:
        ChoreographyTask.objects.update(status="failed", error=f"{STUCK}!")
        go_on()
    assert (read(ana, task.pk)["status"], read(ana, task.pk)["error"]) == ("failed", f"{STUCK}!")
    assert Job.objects.get().outcome == "failed"
    assert output_files() == []


def test_purged_after_completion__outcome_is_read_and_what_was_saved_stays(ana, original, own_database):
    task = start(ana)
    make_next(queue_job_id=0)
    before = read(ana, task.pk)
    age(task.pk, minutes=61)
    original.run(own_database, FORGET_OLD)
    assert not ChoreographyTask.objects.exists()
    after = read(ana, task.pk)
    kept = ("code", "task_id", "status", "progress", "stage", "message", "result", "error", "video")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert after["status"] == "completed"
    assert SavedChoreography.objects.get().generation_parameters["task_id"] == task.pk
    assert output_files() == made_files(ana.pk, task.pk)


def test_purged_at_work__goes_on_and_is_completed(ana, original, own_database, settings, tmp_path):
    task = start(ana)
    with one_at_work(own_database, settings, tmp_path) as go_on:
        age(task.pk, minutes=61)
        original.run(own_database, FORGET_OLD)
        assert [read(ana, task.pk)[name] for name in ("status", "progress")] == ["running", 0]
        go_on()
    assert not ChoreographyTask.objects.exists()
    assert read(ana, task.pk)["status"] == "completed"
    assert SavedChoreography.objects.count() == 1
    assert output_files() == made_files(ana.pk, task.pk)


def test_purged_while_waiting__is_made_all_the_same(ana, original, own_database):
    task = start(ana)
    age(task.pk, minutes=61)
    original.run(own_database, FORGET_OLD)
    call_command("procrastinate", "worker", "--one-shot")
    assert read(ana, task.pk)["status"] == "completed"
    assert SavedChoreography.objects.count() == 1


def test_cancelled_at_work_by_the_original__stops_and_its_files_go(ana, original, own_database, settings, tmp_path):
    task = start(ana)
    with one_at_work(own_database, settings, tmp_path) as go_on:
        original.run(own_database, CANCEL_ALL)
        go_on()
    assert (Job.objects.get().outcome, Job.objects.get().error) == ("cancelled", f"Task {task.pk} was cancelled.")
    assert read(ana, task.pk)["code"] == 410
    assert not SavedChoreography.objects.exists()
    assert output_files() == []


def test_cancelled_while_waiting_by_the_original__is_never_begun(ana, original, own_database):
    start(ana)
    original.run(own_database, CANCEL_ALL)
    call_command("procrastinate", "worker", "--one-shot")
    assert (Job.objects.get().outcome, Job.objects.get().attempt) == ("cancelled", 0)
    assert output_files() == []


def test_cancelled_at_work_through_the_backend__stops_and_its_files_go(ana, own_database, settings, tmp_path):
    task = start(ana)
    client = Client()
    client.force_login(ana)
    with one_at_work(own_database, settings, tmp_path) as go_on:
        assert client.delete(f"/api/choreography/tasks/{task.pk}").json()["previous_status"] == "running"
        go_on()
    assert Job.objects.get().outcome == "cancelled"
    assert not SavedChoreography.objects.exists()
    assert output_files() == []


MODELS = """
from choreography.models import ChoreographyTask, SavedChoreography
from django.contrib.auth import get_user_model
models = (ChoreographyTask, SavedChoreography, get_user_model())
rows = [row for model in models for row in model.objects.order_by("pk")]
"""
SAVE_ALL = f"{MODELS}\nfor row in rows: row.save()"
LOSE_ONE = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("UPDATE choreography_tasks SET job_execution_name = NULL")
"""


def all_columns() -> list[dict[str, object]]:
    """Return every column of every shared row, but for the time of the last save."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_jsonb(t) - 'updated_at' FROM choreography_tasks t UNION ALL"
            " SELECT to_jsonb(s) FROM saved_choreographies s UNION ALL SELECT to_jsonb(u) FROM users u"
        )
        return sorted((json.loads(row) if isinstance(row, str) else row for (row,) in cursor.fetchall()), key=str)


def test_rows__saved_whole_by_either_side__lose_no_column(ana, original, own_database):
    task = start(ana)
    make_next(queue_job_id=7)
    before = all_columns()
    assert ChoreographyTask.objects.get(pk=task.pk).job_execution_name == "procrastinate/jobs/7"
    original.run(own_database, SAVE_ALL)
    assert all_columns() == before
    for model in (ChoreographyTask, SavedChoreography, type(ana)):
        for row in model.objects.all():
            row.save()
    assert all_columns() == before
    # The control: a difference in the column would be found.
    original.run(own_database, LOSE_ONE)
    assert all_columns() != before


CANCEL_OTHERS = """
from choreography.models import ChoreographyTask
ChoreographyTask.objects.exclude(pk={!r}).delete()
"""
RUNNING_ROW = """
from choreography.generation import Generation
from choreography.models import ChoreographyTask
from django.contrib.auth import get_user_model
task = ChoreographyTask.objects.create(task_id="left behind", user=get_user_model().objects.get())
Generation(task, song="", difficulty="beginner", auto_save=False)._enter("downloading")
"""
CREATE = f"""
from django.contrib.auth import get_user_model
from django.test import Client
client = Client()
client.force_login(get_user_model().objects.get())
wishes = {{"song_selection": "{SONG}", "difficulty": "beginner"}}
answer = client.post("/create/", wishes, headers={{"host": "localhost"}}).status_code
"""


@pytest.mark.usefixtures("original")
@pytest.mark.parametrize(
    ("gives_way", "answers"), [(True, [200, 200, 200, 429]), (False, [200, 200, 429, 429])], ids=["default", "control"]
)
@pytest.mark.thinned(to_one_in=2)
def test_originals_users__beside_a_task_at_work__have_all_their_places(
    ana, own_database, settings, tmp_path, monkeypatch, gives_way, answers
):
    library = settings.MOVES_LIBRARY
    if not gives_way:
        monkeypatch.setattr("apps.choreography.original.is_at_work", lambda: False)
    task = start(ana)
    with one_at_work(own_database, settings, tmp_path) as go_on, original_shell() as shell:
        # The original's real threads, each waiting in its stage "selecting" until its row is cancelled.
        gate = Gate(tmp_path / "originals library", library)
        create = f"from django.conf import settings; settings.MOVES_LIBRARY = {str(gate.folder)!r}\n{CREATE}"
        seen = []
        for _ in answers:
            seen.append(shell.run(own_database, create))
            at_work = ("started" if gives_way else "running", seen.count(200))
            Workers(own_database, tmp_path).until(lambda: states_beside(task) == at_work, f"{at_work} in the rows")  # noqa: B023
        assert seen == answers
        assert read(ana, task.pk)["status"] == "running"
        shell.run(own_database, CANCEL_OTHERS.format(task.pk))
        Workers(own_database, tmp_path).until(lambda: states_beside(task) == ("running", 0), "it takes its place again")
        go_on()
    assert_completed_once(ana, [task.pk])


def states_beside(task: ChoreographyTask) -> tuple[str, int]:
    """Return the status of our row, and how many of the original's are running."""
    running = ChoreographyTask.objects.filter(status=stored("running")).exclude(pk=task.pk).count()
    return ChoreographyTask.objects.get(pk=task.pk).told_status, running


def test_original_that_left_a_running_row__is_not_given_way_to_for_ever(ana, original, own_database):
    original.run(own_database, RUNNING_ROW)
    assert is_at_work()
    age(ChoreographyTask.objects.get().pk, minutes=6)
    assert not is_at_work()


@pytest.mark.usefixtures("original")
@pytest.mark.parametrize(("limit", "code"), [(1, 200), (3, 429)], ids=["default", "control"])
@pytest.mark.thinned(to_one_in=2)
def test_originals_users__get_429_only_beyond_the_limit(ana, own_database, settings, limit, code):
    settings.PARALLEL_RUNNING_LIMIT = settings.USER_RUNNING_LIMIT = limit
    settings.JOB_LEASE_S = 60
    [start(ana, seed=seed) for seed in range(5)]
    [queue.take_next(queue_job_id=0) for _ in range(5)]
    assert ChoreographyTask.objects.filter(status=stored("running")).count() == limit
    # A separate shell: it finds the songs of this test, and it ends before its thread gets far.
    with original_shell() as shell:
        assert shell.run(own_database, CREATE) == code

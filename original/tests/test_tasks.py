"""Choosing a song, following a task, cancelling it, and what happens to old ones."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from choreography import housekeeping
from choreography.models import ChoreographyTask
from tests.conftest import logged_in, make_user
from users.models import User

pytestmark = pytest.mark.django_db

WISH = {"song_selection": "luna.mp3", "difficulty": "beginner"}


@pytest.fixture
def ana() -> User:
    return make_user("ana")


@pytest.fixture
def song(media: Path) -> None:
    (media / "songs" / "luna.mp3").write_bytes(b"it is not played here")


def write_task(user: User, task_id: str = "1", *, age: timedelta = timedelta(), **fields: object) -> ChoreographyTask:
    task = ChoreographyTask.objects.create(task_id=task_id, user=user, **fields)
    # created_at is set by Django on insert
    ChoreographyTask.objects.filter(pk=task_id).update(created_at=timezone.now() - age)
    task.refresh_from_db()
    return task


def test_health_tells_which_system_answers():
    answer = Client().get("/health")

    assert (answer.status_code, answer.json()) == (200, {"status": "healthy", "service": "original"})


def test_the_front_page_is_the_song_page():
    answer = Client().get("/")

    assert (answer.status_code, answer["Location"]) == (302, "/select-song/")


def test_song_page_offers_the_mp3_files(media: Path, song: None):
    (media / "songs" / "notes.txt").touch()
    (media / "songs" / ".half-written.mp3").touch()
    (media / "songs" / "Bésame & más.MP3").touch()

    page = Client().get("/select-song/")

    assert page.context["songs"] == [("Bésame & más.MP3", "Bésame & más"), ("luna.mp3", "luna")]
    assert '<option value="Bésame &amp; más.MP3">' in page.content.decode()


def test_song_page__no_songs_folder__says_so(media: Path):
    (media / "songs").rmdir()

    assert "There are no songs yet." in Client().get("/select-song/").content.decode()


def test_create__anonymous__401(song: None):
    answer = Client().post("/create/", WISH)

    assert (answer.status_code, answer.json()) == (401, {"error": "Log in to create a choreography."})


def test_create__bad_form__400_with_what_is_wrong(ana: User, song: None):
    answer = logged_in(ana).post("/create/", {"difficulty": "impossible"})

    assert answer.status_code == 400
    assert answer.json() == {
        "error": "Invalid form data",
        "errors": {
            "song_selection": ["This field is required."],
            "difficulty": ["Select a valid choice. impossible is not one of the available choices."],
        },
    }


@pytest.mark.parametrize("name", ["gone.mp3", "../songs/luna.mp3", "/etc/passwd", "."])
def test_create__no_such_song__404(ana: User, song: None, name: str):
    answer = logged_in(ana).post("/create/", {**WISH, "song_selection": name})

    assert (answer.status_code, answer.json()) == (404, {"error": f"There is no song {name}."})


def test_create__three_tasks_of_anybody_running__429(ana: User, song: None):
    for number in range(3):
        write_task(make_user(f"dancer{number}"), str(number), status="running")

    answer = logged_in(ana).post("/create/", WISH)

    assert answer.status_code == 429
    assert answer.json() == {
        "error": "Too many choreographies are being made. Try again in a minute.",
        "active_tasks": 3,
        "limit": 3,
    }
    assert ChoreographyTask.objects.count() == 3


def test_create_gives_up_stuck_tasks_of_anybody_first(ana: User, song: None):
    bea = make_user("bea")
    write_task(bea, "stuck", status="running", progress=40, age=timedelta(minutes=6))
    for number in range(3):
        write_task(bea, str(number), status="running", age=timedelta(minutes=4))

    assert logged_in(ana).post("/create/", WISH).json()["active_tasks"] == 3
    assert ChoreographyTask.objects.get(pk="stuck").status == "failed"


def test_housekeeping_fails_only_what_is_unfinished_and_older_than_5_minutes(ana: User):
    old = timedelta(minutes=5, seconds=1)
    write_task(ana, "started", age=old)
    write_task(ana, "running", age=old, status="running", progress=70)
    write_task(ana, "completed", age=old, status="completed", progress=100)
    write_task(ana, "young", age=timedelta(minutes=4, seconds=50), status="running", progress=70)

    housekeeping.fail_stuck_tasks()

    stuck = "Task stuck for more than 5 minutes - likely container restart"
    assert set(ChoreographyTask.objects.values_list("task_id", "status", "progress", "error")) == {
        ("started", "failed", 0, stuck),
        ("running", "failed", 0, stuck),
        ("completed", "completed", 100, None),
        ("young", "running", 70, None),
    }


def test_task__owner__sees_every_field(ana: User):
    task = write_task(ana, "no uuid at all", status="completed", progress=100, result={"video_filename": "v.mp4"})

    answer = logged_in(ana).get("/task/no uuid at all/")

    assert answer.json() == {
        "task_id": "no uuid at all",
        "status": "completed",
        "progress": 100,
        "stage": "initializing",
        "message": "Starting choreography generation...",
        "result": {"video_filename": "v.mp4"},
        "error": None,
        "created_at": task.created_at.timestamp(),
    }


@pytest.mark.parametrize(("method", "path"), [("get", "/task/1/"), ("post", "/task/1/cancel/")])
def test_task__of_another_user__403(ana: User, method: str, path: str):
    write_task(make_user("bea"), "1")

    answer = getattr(logged_in(ana), method)(path)

    assert (answer.status_code, answer.json()) == (403, {"error": "This task belongs to somebody else."})
    assert ChoreographyTask.objects.exists()


@pytest.mark.parametrize(("method", "path"), [("get", "/task/9/"), ("delete", "/task/9/cancel/")])
def test_task__unknown__404(ana: User, method: str, path: str):
    answer = getattr(logged_in(ana), method)(path)

    assert (answer.status_code, answer.json()) == (404, {"error": "Task not found", "task_id": "9"})


def test_task__id_that_the_database_cannot_hold__404(ana: User):
    assert logged_in(ana).get("/task/a%00b/").status_code == 404


@pytest.mark.parametrize("method", ["post", "delete"])
def test_cancel_deletes_the_row(ana: User, method: str):
    write_task(ana, "1", status="running")

    answer = getattr(logged_in(ana), method)("/task/1/cancel/")

    assert answer.json() == {"message": "Task cancelled", "task_id": "1", "previous_status": "running"}
    assert not ChoreographyTask.objects.exists()


def test_tasks_lists_ones_own_after_deleting_the_old_ones_of_all_users(ana: User):
    bea = make_user("bea")
    write_task(ana, "mine")
    write_task(ana, "mine, old", age=timedelta(minutes=61), status="running")
    write_task(bea, "hers", age=timedelta(minutes=59))
    write_task(bea, "hers, old", age=timedelta(minutes=61))

    answer = logged_in(ana).get("/tasks/")

    assert [task["task_id"] for task in answer.json()["tasks"]] == ["mine"]
    assert set(ChoreographyTask.objects.values_list("pk", flat=True)) == {"mine", "hers"}


@pytest.mark.parametrize("path", ["/task/1/", "/tasks/", "/video/v.mp4/", "/collections/"])
def test_pages_of_a_user__anonymous__ask_to_log_in(path: str):
    answer = Client().get(path)

    assert (answer.status_code, answer["Location"]) == (302, f"/auth/login/?next={path}")

"""`manage.py seed_production` writes rows like production's, and every page survives them."""

import hashlib
import io
import json
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import psycopg
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db.models import JSONField, Value
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from psycopg import sql

from choreography import housekeeping
from choreography.collection import SORTS
from choreography.models import ChoreographyTask, SavedChoreography
from sandbox import template
from sandbox.postgres import Server
from seeding import choreographies, files, people, production, tasks
from tests.conftest import logged_in, make_user, point_django_at, save_choreography
from users.models import User

NOW = "2026-03-14T15:09:26"
FEWEST = production.FEWEST_UNTIDY


def seed(users: int = FEWEST, *, untidy: bool = True, **options: Any) -> str:
    """Run the command; return what it says."""
    said = io.StringIO()
    call_command("seed_production", users=users, untidy=untidy, stdout=said, **options)
    return said.getvalue()


@pytest.fixture
def seeded(db: None) -> None:
    """A small production with every kind of row, and staff beside the chief."""
    seed(FEWEST + 9)


def rows_of(url: str) -> dict[str, list[str]]:
    """Read every row of every table, as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {
            name: sorted(
                row for (row,) in connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name)))
            )
            for (name,) in tables.fetchall()
        }


def files_of(media: Path) -> dict[str, str]:
    """Read every file, as hash."""
    return {
        str(path.relative_to(media)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in media.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def production_of(
    postgres: Server, original_template: str, own_database: object, media: Path
) -> Callable[..., tuple[dict[str, list[str]], dict[str, str]]]:
    """Seed a database and a media root of their own; return all rows and all files."""

    def run(**options: Any) -> tuple[dict[str, list[str]], dict[str, str]]:
        for name in files_of(media):
            (media / name).unlink()
        with template.clone(postgres, original_template) as database:
            point_django_at(database.url("original_app"))
            seed(**options)
            return rows_of(database.url("owner")), files_of(media)

    return run


def test_the_same_seed_and_now_write_the_same_rows_and_files(production_of):
    first = production_of(seed=7, now=datetime.fromisoformat(NOW))
    again = production_of(seed=7, now=datetime.fromisoformat(NOW))
    another = production_of(seed=8, now=datetime.fromisoformat(NOW))

    assert first == again
    assert len(first[0]["users"]) == FEWEST
    assert len(first[1]) > len(first[0]["saved_choreographies"]) / 2
    for table in ("users", "saved_choreographies", "choreography_tasks", "django_session", "django_admin_log"):
        assert first[0][table] != another[0][table]


@pytest.mark.django_db
def test_the_command_says_what_it_wrote_and_how_to_write_it_again():
    said = seed(now=datetime.fromisoformat(NOW), seed=3)

    lines = said.splitlines()
    assert lines[0] == "written with --seed 3 --now 2026-03-14T15:09:26+00:00"
    tally = dict(reversed(line.strip().split("  ", 1)) for line in lines[1:-1])
    assert tally["users"] == str(User.objects.count())
    assert tally["saved_choreographies"] == str(SavedChoreography.objects.count())
    assert tally["choreography_tasks"] == str(ChoreographyTask.objects.count())
    assert {*people.UNTIDY, *choreographies.UNTIDY, *tasks.UNTIDY} <= set(tally)
    assert lines[-1] == "the password is dance-with-me, or secret where it has 6 characters"


def saved(condition: Callable[[SavedChoreography], bool]) -> Callable[[], int]:
    return lambda: sum(map(condition, SavedChoreography.objects.all()))


def task(**fields: Any) -> Callable[[], int]:
    return lambda: ChoreographyTask.objects.filter(**fields).count()


def users(condition: Callable[[User], bool]) -> Callable[[], int]:
    return lambda: sum(map(condition, User.objects.all()))


def emails_that_differ_only_in_case() -> int:
    emails = {user.email for user in User.objects.exclude(email="")}
    return len(emails) - len({email.lower() for email in emails})


HOUR_AGO = timezone.now() - timedelta(hours=1)
STATES = ("started", "running", "completed", "failed")

# The kinds of rows of every production.
TIDY = {
    "path relative to the media root": saved(lambda row: row.video_path.name.startswith("output/")),
    "music_info object": saved(lambda row: isinstance(row.music_info, dict)),
    "instructor": users(lambda user: user.is_instructor),
    "staff": users(lambda user: user.is_staff and not user.is_superuser),
    "inactive": users(lambda user: not user.is_active),
    "never logged in": users(lambda user: user.last_login is None),
    "group with members": Group.objects.exclude(user=None).count,
    "permission of one user": User.user_permissions.through.objects.count,
    "admin's log": LogEntry.objects.count,
    "session": Session.objects.filter(expire_date__gt=timezone.now()).count,
    "session that ran out": Session.objects.filter(expire_date__lt=timezone.now()).count,
    "running": task(status="running", created_at__gt=HOUR_AGO),
    "completed": task(status="completed", created_at__gt=HOUR_AGO),
    "failed with a reason": task(status="failed", error__gt=""),
}

UNTIDY = {
    "path of another machine": saved(lambda row: row.video_path.name.startswith("/home/ubuntu/")),
    "absolute path": saved(lambda row: Path(row.video_path.name).is_absolute() and Path(row.video_path.name).exists()),
    "path of an upload": saved(lambda row: row.video_path.name.startswith("choreographies/")),
    "empty path": saved(lambda row: row.video_path.name == ""),
    "music_info list": saved(lambda row: isinstance(row.music_info, list)),
    "music_info NULL": saved(lambda row: row.music_info is None),
    "generation_parameters NULL": saved(lambda row: row.generation_parameters is None),
    "negative duration": saved(lambda row: row.duration < 0),
    "duration NaN": saved(lambda row: math.isnan(row.duration)),
    "empty title": saved(lambda row: row.title == ""),
    "e-mails that differ only in case": emails_that_differ_only_in_case,
    "password of 6 characters": users(lambda user: user.password == people.hashed("secret")),
    "no e-mail": users(lambda user: user.email == ""),
    "preferences list": users(lambda user: isinstance(user.preferences, list)),
    "preferences text": users(lambda user: isinstance(user.preferences, str)),
    "preferences JSON null": User.objects.filter(preferences=Value(None, JSONField())).count,
    "task id with spaces": task(task_id__contains=" "),
    "task id that is a word": task(task_id__startswith="demo-"),
    "stuck": task(status="running", created_at__lt=timezone.now() - housekeeping.STUCK_AFTER),
    **{f"{status}, older than an hour": task(status=status, created_at__lt=HOUR_AGO) for status in STATES},
    "completed without a result": task(status="completed", result__isnull=True),
    "session that cannot be read": Session.objects.filter(session_data="written by another key").count,
}


def present() -> set[str]:
    return {name for name, number_of in {**TIDY, **UNTIDY}.items() if number_of()}


def test_every_untidy_kind_is_there(seeded: None):
    assert present() == {*TIDY, *UNTIDY}


@pytest.mark.django_db
def test_without_untidy_there_is_no_untidy_kind():
    seed(60, untidy=False)

    assert present() == set(TIDY)


def test_what_happens_now_has_todays_date_again(seeded: None):
    """Seeding switches Django's own timestamps off only for its own rows."""
    before = timezone.now()

    saved_now = save_choreography(make_user("newcomer"))
    task_now = ChoreographyTask.objects.create(task_id="1", user=saved_now.user)

    assert min(saved_now.created_at, task_now.created_at, task_now.updated_at) >= before


def test_the_original_still_takes_a_choreography(seeded: None):
    housekeeping.fail_stuck_tasks()

    assert ChoreographyTask.objects.filter(status="running").count() == 2


def test_users_log_in_with_the_password_and_with_their_sessions(seeded: None):
    for password in ("dance-with-me", "secret"):
        user = User.objects.filter(password=people.hashed(password), is_active=True).exclude(email="").first()
        form = {"username": user.username, "password": password}
        assert Client().post("/auth/login/", form)["Location"] == "/select-song/"

    readable = Session.objects.filter(expire_date__gt=timezone.now()).exclude(session_data="written by another key")
    for session in readable:
        browser = Client()
        browser.cookies["sessionid"] = session.session_key
        user = User.objects.get(pk=session.get_decoded()["_auth_user_id"])
        assert browser.get("/collections/").status_code == (200 if user.is_active else 302)


def test_files_are_real_songs_and_videos(seeded: None, media: Path):
    songs = sorted((media / "songs").iterdir())
    videos = list(media.rglob("*.mp4"))

    assert len(songs) == 6
    assert len(videos) > 50
    assert len({video.read_bytes() for video in videos}) == 1
    for path, kind in [(songs[0], "audio"), (videos[0], "video")]:
        with av.open(path) as file:
            assert sum(1 for _ in file.decode(**{kind: 0})) >= 25


@pytest.mark.full
def test_every_page_survives_every_row(seeded: None):
    """All users, all their rows, all pages that read them, and the staff's pages."""
    for user in User.objects.filter(is_active=True):
        pages = walk(logged_in(user), user)
        assert {path: status for path, status in pages.items() if status != 200} == {}

    chief = User.objects.get(is_superuser=True)
    staff = logged_in(chief)
    for model in ("users_user", "choreography_savedchoreography"):
        for query in ("", "?q=a", "?all=", "?o=-4"):
            assert staff.get(reverse(f"admin:{model}_changelist") + query).status_code == 200
    for user in User.objects.all():
        assert staff.get(reverse("admin:users_user_change", args=[user.pk])).status_code == 200
    for row in chief.choreographies.all():  # one of every kind is among them
        assert staff.get(reverse("admin:choreography_savedchoreography_change", args=[row.pk])).status_code == 200
    assert staff.get("/admin/").status_code == 200


def walk(client: Client, user: User) -> dict[str, int]:
    """Visit everything of one user; /tasks/ last, because it deletes."""
    rows = [f"/collections/{row.pk}/{page}" for row in user.choreographies.all() for page in ("", "edit/", "delete/")]
    tasks_of_user = [f"/task/{quote(row.task_id)}/" for row in user.choreography_tasks.all()]
    pages = range(1, user.choreographies.count() // 20 + 2)
    lists = [f"/collections/?sort={sort}&page={page}&search=a" for sort in SORTS for page in pages]
    others = ["/select-song/", "/auth/profile/", "/collections/", "/collections/stats/", "/tasks/"]
    visited = {}
    for path in (*rows, *tasks_of_user, *lists, *others):
        answer = client.get(path)
        visited[path] = answer.status_code
        if answer["Content-Type"] == "application/json":
            json.loads(answer.content, parse_constant=pytest.fail)
    return visited


def test_the_walk_finds_a_page_that_a_row_breaks(seeded: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(SavedChoreography, "length", property(lambda row: int(row.duration)))
    chief = User.objects.get(is_superuser=True)

    with pytest.raises(ValueError, match="cannot convert float NaN to integer"):
        walk(logged_in(chief), chief)


def test_every_video_in_the_users_folder_plays_whatever_the_path_says(seeded: None, media: Path):
    chief = User.objects.get(is_superuser=True)
    client = logged_in(chief)
    played = []

    for row in chief.choreographies.exclude(video_path=""):
        answer = client.get(f"/video/{quote(row.video_name)}/")
        there = (media / "output" / f"user_{chief.pk}" / row.video_name).exists()
        assert answer.status_code == (200 if there else 404)
        if there:
            assert b"".join(answer.streaming_content) == files.video()
            played.append(row.video_path.name)
    assert {path.split("/")[1] for path in played} > {"home", f"user_{chief.pk}"}


def test_rows_can_be_edited_and_deleted_whatever_they_hold(seeded: None):
    for user in User.objects.filter(is_active=True):
        client = logged_in(user)
        for row in user.choreographies.all():
            form = {"title": "Edited", "difficulty": "advanced"}
            assert client.post(f"/collections/{row.pk}/edit/", form).status_code == 302
            assert client.post(f"/collections/{row.pk}/delete/").status_code == 302
        assert client.post("/auth/profile/", {"display_name": "Edited"}).status_code == 302
    assert not SavedChoreography.objects.filter(user__is_active=True).exists()


@pytest.mark.django_db
def test_seed__a_database_with_users__is_refused_and_nothing_is_written(media: Path):
    make_user("ana")

    with pytest.raises(CommandError, match="this database has 1 users already; nothing was written") as refused:
        seed()

    assert refused.value.returncode == 3
    assert (User.objects.count(), files_of(media)) == (1, {})


@pytest.mark.django_db
def test_seed__append__adds_others_to_the_users_that_are_there():
    make_user("ana")
    for _ in range(2):
        seed(append=True)

    assert User.objects.count() == 1 + 2 * FEWEST
    newcomer = {"username": "bea", "email": "bea@example.com", "display_name": "Bea", "password": "secret"}
    assert Client().post("/auth/register/", newcomer).status_code == 302


@pytest.mark.parametrize(
    ("users", "untidy", "message"),
    [
        (0, False, "--users is 0; it must be at least 1."),
        (3, True, f"--users is 3; it must be at least {FEWEST}: so many hold every untidy kind."),
    ],
)
@pytest.mark.django_db
def test_seed__too_few_users__is_an_error(users: int, untidy: bool, message: str):
    with pytest.raises(CommandError) as error:
        seed(users, untidy=untidy)

    assert (str(error.value), error.value.returncode) == (message, 2)


@pytest.mark.django_db
def test_seed__something_fails_on_the_way__writes_no_row(monkeypatch: pytest.MonkeyPatch):
    def full(paths: object) -> int:
        raise OSError("No space left on device")

    monkeypatch.setattr(files, "write_videos", full)

    with pytest.raises(OSError, match="No space left"):
        seed()

    assert not User.objects.exists()
    assert not Group.objects.exists()

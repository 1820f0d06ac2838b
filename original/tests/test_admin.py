"""The staff's pages: users, groups, saved choreographies."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from choreography.models import SavedChoreography
from tests.conftest import logged_in, make_user, save_choreography
from users.models import User

pytestmark = pytest.mark.django_db

ORIGINAL = Path(__file__).parents[1]


@pytest.fixture
def chief() -> User:
    return make_user("chief", is_staff=True, is_superuser=True)


def filled_in(page) -> dict[str, object]:
    """What a browser would send back from an admin page, unchanged."""
    form = page.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    values["preferences"] = form["preferences"].field.prepare_value(values["preferences"])
    sent = {name: value for name, value in values.items() if value is not None and value is not False}
    for name in ("last_login", "date_joined"):
        moment = sent.pop(name, None)
        sent |= {f"{name}_0": moment.date(), f"{name}_1": moment.time()} if moment else {}
    return sent


@pytest.mark.parametrize(
    "path", ["", "users/user/", "users/user/add/", "auth/group/", "auth/group/add/", "choreography/savedchoreography/"]
)
def test_the_admin_is_for_the_staff(chief: User, path: str):
    assert logged_in(chief).get(f"/admin/{path}").status_code == 200
    for stranger in (logged_in(make_user("ana")), Client()):
        assert stranger.get(f"/admin/{path}")["Location"] == f"/admin/login/?next=/admin/{path}"


def test_the_admin_logs_the_staff_in(chief: User):
    form = {"username": "chief", "password": "secret", "next": "/admin/"}

    assert Client().post("/admin/login/", form)["Location"] == "/admin/"
    assert Client().post("/admin/login/", {**form, "password": "wrong"}).status_code == 200


def test_the_admin_lists_no_tasks(chief: User):
    assert logged_in(chief).get("/admin/choreography/choreographytask/").status_code == 404


def test_a_user_can_be_added_with_a_password_of_6_characters(chief: User):
    form = {"username": "bea", "usable_password": "true", "password1": "secret", "password2": "secret"}

    answer = logged_in(chief).post("/admin/users/user/add/", form)

    assert answer.status_code == 302
    assert User.objects.get(username="bea").check_password("secret")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [('{"theme": "dark"}', {"theme": "dark"}), ("", {}), ("null", {}), ("{}", {}), ("[1]", [1])],
)
def test_a_users_fields_can_be_changed(chief: User, typed: str, stored: object):
    ana = make_user("ana", preferences={"auto_save_choreographies": False})
    client = logged_in(chief)
    path = f"/admin/users/user/{ana.pk}/change/"
    group = Group.objects.create(name="Instructors")

    form = filled_in(client.get(path))
    answer = client.post(path, {**form, "is_instructor": "on", "preferences": typed, "groups": [group.pk]})

    assert answer.status_code == 302, answer.context["errors"]
    ana.refresh_from_db()
    assert (ana.is_instructor, ana.preferences, list(ana.groups.all())) == (True, stored, [group])
    assert (ana.email, ana.check_password("secret")) == ("ana@example.com", True)


def test_a_saved_choreography_can_be_changed_and_deleted_but_not_added(chief: User):
    ana = make_user("ana")
    saved = save_choreography(ana, video_path="/srv/old/media/output/user_1/v.mp4", music_info=[1])
    client = logged_in(chief)
    path = f"/admin/choreography/savedchoreography/{saved.pk}"
    form = {"user": ana.pk, "title": "Saturday", "difficulty": "advanced", "duration": "9", "music_info": "[1]"}

    page = client.get(f"{path}/change/").content.decode()
    assert "/srv/old/media/output/user_1/v.mp4" in page
    assert 'href="/srv/old' not in page
    assert client.post(f"{path}/change/", {**form, "generation_parameters": "null"}).status_code == 302
    saved.refresh_from_db()
    assert (saved.title, saved.duration, saved.music_info, saved.generation_parameters) == ("Saturday", 9, [1], None)
    assert saved.video_path.name == "/srv/old/media/output/user_1/v.mp4"

    assert client.get("/admin/choreography/savedchoreography/add/").status_code == 403
    assert client.post(f"{path}/delete/", {"post": "yes"}).status_code == 302
    assert not SavedChoreography.objects.exists()


def test_a_user_who_is_deleted_takes_everything_along(chief: User):
    ana = make_user("ana")
    save_choreography(ana)

    answer = logged_in(chief).post(f"/admin/users/user/{ana.pk}/delete/", {"post": "yes"})

    assert answer.status_code == 302
    assert list(User.objects.all()) == [chief]
    assert not SavedChoreography.objects.exists()


def test_static_files_of_the_admin_are_served_with_debug_off():
    """In a process of its own: the middleware looks for the files when the server starts."""
    script = (
        "import monolith.wsgi; from django.conf import settings; from django.test import Client;"
        "answer = Client(headers={'host': 'localhost'}).get('/static/admin/css/base.css');"
        "print(settings.DEBUG, answer.status_code, answer['Content-Type'], len(answer.getvalue()) > 1000)"
    )

    command = [sys.executable, "-W", "error", "-c", script]
    served = subprocess.run(command, cwd=ORIGINAL, capture_output=True, text=True, check=False)

    assert served.stdout.split("\n")[0] == 'False 200 text/css; charset="utf-8" True', served.stderr

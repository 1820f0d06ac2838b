"""Register, log in, log out, profile."""

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from tests.conftest import logged_in, make_user
from users import lockout
from users.models import User

pytestmark = pytest.mark.django_db

LOGIN = "/auth/login/"


def log_in(client: Client, name: str, password: str = "secret") -> int:  # noqa: S107
    return client.post(LOGIN, {"username": name, "password": password}).status_code


def register(**changes: str):
    account = {"username": "ana", "email": "ana@example.com", "display_name": "Ana", "password": "secret"}
    return Client().post("/auth/register/", {**account, **changes})


def test_register_makes_an_account_and_logs_in():
    answer = register(email="Ana@Example.COM")

    user = User.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, "/select-song/")
    assert (user.username, user.email, user.display_name) == ("ana", "Ana@Example.COM", "Ana")
    assert user.check_password("secret")
    assert Session.objects.get().get_decoded()["_auth_user_id"] == str(user.pk)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": "short"}, "This password is too short. It must contain at least 6 characters."),
        ({"email": ""}, "This field is required."),
        ({"email": "nowhere"}, "Enter a valid email address."),
        ({"display_name": ""}, "This field is required."),
        ({"username": "a" * 151}, "Ensure this value has at most 150 characters (it has 151)."),
        ({"username": "taken"}, "A user with that username already exists."),
        ({"email": "Taken@Example.com"}, "An account with this e-mail exists already."),
    ],
)
def test_register_refuses_a_bad_form(changes: dict[str, str], message: str):
    User.objects.create(username="taken", email="Taken@Example.com")

    answer = register(**changes)

    assert answer.status_code == 200
    assert [message] in answer.context["form"].errors.values()
    assert User.objects.count() == 1


def test_register__email_that_differs_in_case__is_another_email():
    User.objects.create(username="taken", email="Ana@example.com")

    assert register(email="ana@example.com").status_code == 302


@pytest.mark.parametrize("name", ["ana@example.com", "ANA@Example.com", "ana"])
def test_login_accepts_the_email_in_any_case_and_the_username(name: str):
    make_user("ana")

    client = Client()

    assert log_in(client, name) == 302
    assert client.session["_auth_user_backend"] == "django.contrib.auth.backends.ModelBackend"


def test_login__two_accounts_with_emails_that_differ_in_case__finds_the_lower_one():
    make_user("upper", email="Ana@example.com")
    lower = make_user("lower", email="ana@example.com")
    client = Client()

    assert log_in(client, "Ana@example.com") == 302
    assert client.session["_auth_user_id"] == str(lower.pk)


def test_login_leads_only_to_pages_of_this_site():
    make_user("ana")
    form = {"username": "ana", "password": "secret"}

    assert Client().post(LOGIN, {**form, "next": "/collections/"})["Location"] == "/collections/"
    assert Client().post(LOGIN, {**form, "next": "https://elsewhere.example/"})["Location"] == "/select-song/"


def test_five_failed_logins_lock_the_email_for_15_minutes():
    make_user("ana")
    make_user("bea")
    client = Client()

    assert [log_in(client, "ana@example.com", "wrong") for _ in range(5)] == [200] * 5
    locked = client.post(LOGIN, {"username": " ANA@example.com", "password": "secret"})

    assert locked.status_code == 429
    assert "Too many failed logins. Try again in 15 minutes." in locked.content.decode()
    assert log_in(client, "bea@example.com") == 302
    assert lockout.LOCK_S == 900


def test_the_lock_ends_with_its_memory():
    make_user("ana")
    for _ in range(5):
        lockout.count_failure("ana@example.com")

    cache.clear()  # what expiry does

    assert log_in(Client(), "ana@example.com") == 302


def test_a_login_that_works_forgets_the_failures_before_it():
    make_user("ana")
    for _ in range(4):
        lockout.count_failure("ana@example.com")

    assert log_in(Client(), "ana@example.com") == 302
    assert log_in(Client(), "ana@example.com", "wrong") == 200
    assert not lockout.is_locked("ana@example.com")


def test_logout_takes_a_post():
    client = logged_in(make_user())

    assert client.get("/auth/logout/").status_code == 405
    assert "_auth_user_id" in client.session
    assert client.post("/auth/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_a_form_without_its_token_is_refused():
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(LOGIN, {"username": "ana", "password": "secret"}).status_code == 403


def test_profile_replaces_the_preferences_as_a_whole():
    user = make_user(preferences={"theme": "dark", "auto_save_choreographies": True})

    answer = logged_in(user).post("/auth/profile/", {"display_name": "Anita"})

    user.refresh_from_db()
    assert answer.status_code == 302
    assert (user.display_name, user.preferences) == ("Anita", {"auto_save_choreographies": False})


@pytest.mark.parametrize(
    ("stored", "saves"),
    [
        ({}, True),
        ([], True),
        ("odd", True),
        ({"theme": "dark"}, True),
        ({"auto_save_choreographies": True}, True),
        ({"auto_save_choreographies": False}, False),
    ],
)
def test_preferences_that_say_nothing_about_it_save_automatically(stored: object, saves: bool):
    user = make_user(preferences=stored)

    page = logged_in(user).get("/auth/profile/")

    assert user.saves_automatically() is saves
    assert page.context["form"].initial["auto_save_choreographies"] is saves


def test_profile__anonymous__asks_to_log_in():
    assert Client().get("/auth/profile/")["Location"] == "/auth/login/?next=/auth/profile/"

"""Accounts through the API."""

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client

from apps.authentication.models import User
from tests.conftest import make_user

PROBLEM = "application/problem+json"
NEW = {"username": "carla", "email": "Carla@Example.com", "display_name": "Carla", "password": "bailar"}


@pytest.fixture
def visitor(db) -> Client:
    return Client()


def post(client: Client, path: str, body: dict | None = None, **headers: str):
    return client.post(f"/api/auth/{path}", body or {}, content_type="application/json", headers=headers)


def log_in(client: Client, login: str, password: str = "secreto"):  # noqa: S107 - of a user who lives for one test
    return post(client, "login", {"login": login, "password": password})


def test_register__writes_the_row_the_original_would_and_logs_in(visitor):
    answer = post(visitor, "register", NEW)
    assert answer.status_code == 201
    assert answer.json() | {"id": 0} == {
        "id": 0,
        "username": "carla",
        "email": "carla@example.com",
        "display_name": "Carla",
        "is_instructor": False,
        "preferences": {},
    }
    user = User.objects.get(username="carla")
    assert user.check_password("bailar")
    assert identify_hasher(user.password).algorithm == "pbkdf2_sha256"
    assert (user.is_active, user.is_staff, user.first_name) == (True, False, "")
    assert visitor.get("/api/auth/me").json()["username"] == "carla"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "ana"}, "username"),
        ({"username": "two words"}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"email": "ANA@example.com"}, "email"),
        ({"email": "no-address"}, "email"),
        ({"email": ""}, "email"),
        ({"display_name": ""}, "display_name"),
        ({"password": "12345"}, "password"),
        ({"password": "with\0nul"}, "password"),
    ],
)
def test_register__what_is_wrong__is_named_and_nothing_is_written(ana, visitor, change, field):
    answer = post(visitor, "register", NEW | change)
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert list(answer.json()["errors"]) == [field]
    assert User.objects.count() == 1


def test_register__password_of_six_spaces__is_kept_as_typed(visitor):
    assert post(visitor, "register", NEW | {"password": "      "}).status_code == 201
    assert User.objects.get().check_password("      ")


@pytest.mark.parametrize("login", ["ana@example.com", "ANA@Example.COM", "ana", "  ana "])
def test_login__email_in_any_case_or_username__opens_the_originals_kind_of_session(ana, visitor, login):
    assert log_in(visitor, login).status_code == 200
    session = Session.objects.get().get_decoded()
    assert session["_auth_user_id"] == str(ana.pk)
    assert session["_auth_user_backend"] == "django.contrib.auth.backends.ModelBackend"


def test_login__email_comes_before_username(db, visitor):
    make_user("first", email="two@example.com")
    make_user("two@example.com", email="other@example.com", password="another")
    assert log_in(visitor, "two@example.com").json()["username"] == "first"
    assert log_in(visitor, "two@example.com", "another").status_code == 401


def test_login__same_email_twice__the_oldest_account_answers(db, visitor):
    make_user("old", email="same@example.com")
    make_user("new", email="same@example.com", password="another")
    assert log_in(visitor, "same@example.com").json()["username"] == "old"


def test_login__email_stored_with_capitals__is_found_by_username_only_as_in_the_original(db, visitor):
    make_user("caps", email="Caps@example.com")
    assert log_in(visitor, "Caps@example.com").status_code == 401
    assert log_in(visitor, "caps").status_code == 200


@pytest.mark.parametrize(("login", "password"), [("ana", "wrong-one"), ("unknown", "secreto"), ("ana", " secreto")])
def test_login__wrong__says_the_same_whatever_was_wrong(ana, visitor, login, password):
    answer = log_in(visitor, login, password)
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)
    assert answer.json() == {
        "type": "urn:compas:problem:wrong-credentials",
        "title": "Unauthorized",
        "status": 401,
        "detail": "E-mail, username or password is wrong.",
    }


def test_login__inactive_account__is_refused(db, visitor):
    make_user("gone", is_active=False)
    assert log_in(visitor, "gone").status_code == 401


def test_login__success__forgets_the_failures(ana, visitor):
    for _ in range(2):
        for _ in range(4):
            assert log_in(visitor, "ana", "wrong-one").status_code == 401
        assert log_in(visitor, "ana").status_code == 200


def test_login__any_text__is_survived(visitor):
    for login in ["x" * 255, "\0", "", "💃", "a'; --"]:
        assert log_in(visitor, login).status_code in {400, 401}


def test_login__form_of_another_site__is_refused(ana, visitor):
    answer = visitor.post("/api/auth/login", {"login": "ana", "password": "secreto"})
    assert (answer.status_code, answer["Content-Type"]) == (415, PROBLEM)
    assert not Session.objects.exists()


def test_login__json_that_is_none__is_a_problem(visitor):
    answer = visitor.post("/api/auth/login", "{nope", content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)


def test_logout__ends_the_session(api):
    assert post(api, "logout").status_code == 204
    assert api.get("/api/auth/me").status_code == 401
    assert not Session.objects.exists()


def test_me__anonymous__is_401_with_a_challenge(visitor):
    answer = visitor.get("/api/auth/me")
    assert (answer.status_code, answer["WWW-Authenticate"], answer["Content-Type"]) == (401, "Session", PROBLEM)


@pytest.mark.parametrize("path", ["/api/auth/logout", "/api/choreography/generate", "/api/collections", "/api/songs"])
def test_unsafe_method__session_without_csrf_token__is_refused(ana, path):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana)
    answer = browser.post(path, {}, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM)
    assert "CSRF" in answer.json()["detail"]


def test_unsafe_method__token_from_the_login_cookie__is_accepted(ana):
    browser = Client(enforce_csrf_checks=True)
    assert log_in(browser, "ana").status_code == 200
    token = browser.cookies["csrftoken"].value
    assert post(browser, "logout", **{"X-CSRFToken": token}).status_code == 204


def test_preferences__of_any_kind__are_read(db, visitor):
    make_user("odd", preferences=["a", "list"])
    assert log_in(visitor, "odd").json()["preferences"] == ["a", "list"]


def test_failures__are_kept_under_a_key_any_cache_takes(visitor):
    log_in(visitor, "späces and ünicode " * 10)
    assert all(len(key) < 250 and " " not in key for key in cache._cache)

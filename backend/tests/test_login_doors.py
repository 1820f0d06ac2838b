"""Every door through which a user logs in: the session gets a new key there, and nothing planted in it counts."""

from collections.abc import Callable

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.http import HttpResponse
from django.test import Client

from apps.authentication.models import User
from apps.open_sessions.models import OpenSession
from apps.second_factor.services import PROOF
from tests.conftest import make_user
from tests.test_access import API_LOGIN, LOGIN, REGISTRATION

JSON = "application/json"
# Two look-ups, three counts, one for Django's own look-up, one event.
QUERIES = 4
DOORS: dict[str, Callable[[Client], HttpResponse]] = {
    "/api/auth/login": lambda client: client.post("/api/auth/login", API_LOGIN, content_type=JSON),
    "/api/auth/register": lambda client: client.post("/api/auth/register", REGISTRATION, content_type=JSON),
    "/login": lambda client: client.post("/login", LOGIN),
    "/register": lambda client: client.post("/register", REGISTRATION),
    "/auth/login/": lambda client: client.post("/auth/login/", LOGIN),
    "/auth/register/": lambda client: client.post("/auth/register/", REGISTRATION),
    "/admin/login/": lambda client: client.post("/admin/login/", LOGIN),
}


@pytest.fixture
def people(db) -> User:
    make_user("ana", is_staff=True)
    return make_user("ben")


def planted(**more: object) -> Client:
    """Return a victim's browser with a session whose key, and content, an attacker knows."""
    client = Client()
    session = client.session
    session.update({"planted": True, PROOF: "f" * 64, **more})
    session.save()
    client.cookies["sessionid"] = session.session_key
    return client


def who(key: str) -> int:
    client = Client()
    client.cookies["sessionid"] = key
    return client.get("/api/auth/me").status_code


@pytest.mark.parametrize("door", DOORS)
def test_login__key_that_was_known_before__is_worth_nothing_after(people, door):
    victim = planted()
    known = victim.cookies["sessionid"].value
    assert DOORS[door](victim).status_code in {200, 201, 302}
    after = victim.cookies["sessionid"].value
    assert after != known
    assert (who(after), who(known)) == (200, 401)


@pytest.mark.parametrize("door", DOORS)
def test_login__over_the_session_of_another__takes_nothing_of_it_along(people, door):
    attacker = Client()
    attacker.force_login(people)
    session = attacker.session
    session["planted"] = True
    session.save()
    known = attacker.cookies["sessionid"].value
    assert DOORS[door](attacker).status_code in {200, 201, 302}
    assert attacker.cookies["sessionid"].value != known
    assert "planted" not in attacker.session
    assert who(known) == 401


def test_login__row_of_another_planted_in_the_session__stays_that_users(people):
    Client().force_login(people)
    theirs = OpenSession.objects.get(user=people)
    victim = planted(open_session=theirs.pk)
    DOORS["/login"](victim)
    victim.get("/account")
    assert OpenSession.objects.get(pk=theirs.pk).key_hash == theirs.key_hash


def test_login__proof_of_a_second_factor_planted_in_the_session__opens_no_admin_page(people, settings):
    settings.SECOND_FACTOR = True
    victim = planted()
    DOORS["/login"](victim)
    assert victim.get("/admin/").status_code == 302


@pytest.mark.parametrize("login", ["ana", "ana@example.com", "nobody", "nobody@example.com", "inactive", "unusable"])
@pytest.mark.parametrize("door", ["/api/auth/login", "/admin/login/"])
def test_login__wrong_password__costs_and_says_the_same_for_every_account(
    people, door, login, django_assert_num_queries, monkeypatch
):
    make_user("inactive", is_active=False)
    make_user("unusable", password=None)
    hashed, encode = [], PBKDF2PasswordHasher.encode

    def counted(hasher: PBKDF2PasswordHasher, *given: object, **more: object) -> str:
        hashed.append(hasher)
        return encode(hasher, *given, **more)

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", counted)
    field, kind = ("login", {"content_type": JSON}) if door.startswith("/api/") else ("username", {})
    with django_assert_num_queries(QUERIES):
        answer = Client().post(door, {field: login, "password": "wrong one"}, **kind)
    assert len(hashed) == 1
    assert answer.status_code == (401 if door.startswith("/api/") else 200)
    assert login not in answer.content.decode().replace(f'value="{login}"', "")

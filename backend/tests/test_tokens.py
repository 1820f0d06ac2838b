"""Personal tokens: what programs log in with."""

import hashlib
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.authentication.models import User
from apps.tokens.models import PersonalToken
from apps.tokens.scopes import SCOPES, scope_needed
from apps.tokens.services import issue_token
from tests.conftest import make_user

PROBLEM = "application/problem+json"
ADDRESS = "/api/auth/tokens"


def new(client: Client, **body: object):
    wanted = {"name": "my script", "scopes": ["read"]} | body
    return client.post(ADDRESS, wanted, content_type="application/json")


def program(user: User, *scopes: str, **facts: object) -> Client:
    """A client that sends a token and enforces CSRF, as a real server does."""
    _, secret = issue_token(user=user, name="a program", scopes=scopes, **facts)
    return Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"})


def test_create__shows_the_secret_once_and_stores_only_its_hash(api, ana):
    answer = new(api, scopes=["songs:write", "read", "read"])
    body = answer.json()
    secret = body.pop("token")
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    assert secret.startswith("compas_")
    assert len(secret) == len("compas_") + 43
    assert body["prefix"] == secret[:12]
    assert body["scopes"] == ["read", "songs:write"]
    assert (body["expires_at"], body["last_used_at"]) == (None, None)
    assert api.get(ADDRESS).json() == {"results": [body]}
    row = PersonalToken.objects.values().get()
    assert row["sha256"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(row)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
    ],
)
def test_create__what_is_wrong__is_named(api, change, field):
    answer = new(api, **change)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not PersonalToken.objects.exists()


def test_token__acts_for_its_owner_without_a_session_or_csrf_token(ana):
    client = program(ana, "read", "account:write")
    assert client.get("/api/auth/me").json()["username"] == "ana"
    changed = client.patch("/api/auth/me", {"display_name": "Anita"}, content_type="application/json")
    assert (changed.status_code, changed.json()["display_name"]) == (200, "Anita")
    assert not Session.objects.exists()


def test_token__beside_a_session__it_is_the_token_that_counts(ana, ben):
    client = program(ben, "read")
    client.force_login(ana)
    assert client.get("/api/auth/me").json()["username"] == "ben"


@pytest.mark.parametrize("sent", ["Bearer compas_invented", "bearer x", "Bearer ", "Bearer \xff"])
def test_token__unknown__is_401_and_not_the_session(api, sent):
    answer = api.get("/api/auth/me", headers={"Authorization": sent})
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)
    assert answer["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answer.json()["detail"] == "This token is unknown, expired or revoked. Make another one."


def test_authorization_of_another_kind__is_not_ours(api):
    assert api.get("/api/auth/me", headers={"Authorization": "Basic YTpi"}).status_code == 200


def test_token__expired__is_401(ana):
    later = program(ana, "read", expires_at=timezone.now() + timedelta(hours=1))
    before = program(ana, "read", expires_at=timezone.now() - timedelta(seconds=1))
    assert (later.get("/api/auth/me").status_code, before.get("/api/auth/me").status_code) == (200, 401)


def test_token__of_an_inactive_user__is_401(ana):
    client = program(ana, "read")
    User.objects.update(is_active=False)
    assert client.get("/api/auth/me").status_code == 401


def test_revoke__ends_the_token_at_once(api, ana):
    client = program(ana, "read")
    assert api.delete(f"{ADDRESS}/{PersonalToken.objects.get().pk}").status_code == 204
    assert client.get("/api/auth/me").status_code == 401
    assert not PersonalToken.objects.exists()


@pytest.mark.parametrize("token_id", [0, 2**63, 10**30])
def test_revoke__what_is_not_there__is_404(api, token_id):
    answer = api.delete(f"{ADDRESS}/{token_id}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:compas:problem:token-missing")


def test_revoke__token_of_another_user__is_404_and_stays(api, ben):
    token, _ = issue_token(user=ben, name="his", scopes=["read"])
    assert api.delete(f"{ADDRESS}/{token.pk}").status_code == 404
    assert api.get(ADDRESS).json() == {"results": []}
    assert PersonalToken.objects.exists()


def test_scope__missing__is_403_that_names_it(ana):
    client = program(ana, "read", "songs:write")
    answer = client.patch("/api/auth/me", {"display_name": "x"}, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM)
    assert answer.json() == {
        "type": "urn:compas:problem:scope",
        "title": "Forbidden",
        "status": 403,
        "detail": "This token lacks the scope account:write. Make one that has it.",
    }
    assert answer["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="account:write"'
    assert User.objects.get().display_name == "Ana"


def test_scope__to_write__is_not_one_to_read(ana):
    answer = program(ana, "choreographies:write").get("/api/collections")
    assert (answer.status_code, "lacks the scope read." in answer.json()["detail"]) == (403, True)


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("post", ""), ("delete", "/1")])
def test_token__manages_no_tokens(ana, method, path):
    client = program(ana, *SCOPES)
    answer = getattr(client, method)(ADDRESS + path)
    assert (answer.status_code, answer.json()["detail"]) == (403, "No token may do this. Log in instead.")
    assert PersonalToken.objects.count() == 1


def test_token__ends_no_session(api, ana):
    assert program(ana, *SCOPES).post("/api/auth/logout").status_code == 403
    assert api.get("/api/auth/me").status_code == 200


def test_scope_needed__address_that_is_not_listed__is_closed():
    assert scope_needed("GET", "api/something/new") is None
    assert scope_needed("HEAD", "api/songs") == "read"
    assert scope_needed("BREW", "api/songs") == "songs:write"
    assert scope_needed("DELETE", "api/collections/<uuid:choreography_id>") == "choreographies:write"


def test_last_use__is_written_once_a_minute(ana, django_assert_num_queries):
    client = program(ana, "read")
    client.get("/api/auth/me")
    first = PersonalToken.objects.get().last_used_at
    assert timezone.now() - first < timedelta(minutes=1)
    with django_assert_num_queries(1):  # the token with its user, and nothing written
        client.get("/api/auth/me")
    PersonalToken.objects.update(last_used_at=first - timedelta(seconds=61))
    client.get("/api/auth/me")
    assert PersonalToken.objects.get().last_used_at > first - timedelta(seconds=61)


def test_last_use__leaves_the_other_columns_alone(ana):
    client = program(ana, "read")
    before = PersonalToken.objects.values("name", "scopes", "expires_at", "created_at").get()
    client.get("/api/auth/me")
    assert PersonalToken.objects.values("name", "scopes", "expires_at", "created_at").get() == before


def test_foreign_key__cascades_in_the_database(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'backend.tokens'::regclass AND contype = 'f'"
        )
        assert cursor.fetchall() == [
            ("FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED",)
        ]


def test_owner_deleted_by_the_original__takes_the_tokens_along(own_database):
    user = make_user("ana")
    issue_token(user=user, name="x", scopes=["read"])
    with closing(psycopg.connect(own_database.url("original_app"))) as session, session:
        session.execute("DELETE FROM users WHERE id = %s", [user.pk])
    assert not PersonalToken.objects.exists()

"""Personal tokens: what programs log in with."""

import hashlib
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.authentication.models import User
from apps.events.models import AccountEvent
from apps.generation.sweep import sweep
from apps.tokens.models import PersonalToken
from apps.tokens.scopes import SCOPES, scope_needed
from apps.tokens.selectors import OF_MIGRATION, hash_of
from apps.tokens.services import issue_token
from tests.conftest import make_user
from tests.test_failed_logins import by_api
from tests.test_passwords import with_fewer_rounds

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
    assert (answer.status_code, answer["Cache-Control"]) == (201, "private, no-store")
    assert secret.startswith("compas_")
    assert len(secret) == len("compas_") + 43
    assert body["prefix"] == secret[:12]
    assert body["scopes"] == ["read", "songs:write"]
    assert (body["ended"], body["last_used_at"]) == ("", None)
    assert (
        timedelta(days=89, hours=23) < parse_datetime(body["expires_at"]) - timezone.now() < timedelta(days=90, hours=1)
    )
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
        ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
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
    assert (
        answer.json()["detail"]
        == "This token is unknown, expired or revoked, or the password was changed. Make another one."
    )


def test_authorization_of_another_kind__is_not_ours(api):
    assert api.get("/api/auth/me", headers={"Authorization": "Basic YTpi"}).status_code == 200


def test_token__expired__is_401(ana):
    later = program(ana, "read", expires_at=timezone.now() + timedelta(hours=1))
    before = program(ana, "read", expires_at=timezone.now() - timedelta(seconds=1))
    assert (later.get("/api/auth/me").status_code, before.get("/api/auth/me").status_code) == (200, 401)


def test_create__expires_at__is_chosen_up_to_a_year(api):
    soon = (timezone.now() + timedelta(days=365)).isoformat()
    body = new(api, expires_at=soon).json()
    assert parse_datetime(body["expires_at"]) == parse_datetime(soon)
    assert new(api, expires_at=None).json()["expires_at"] < body["expires_at"]


def originals_admin_sets(password: str, url: str) -> None:
    """The original writes a new hash and tells the backend nothing."""
    with closing(psycopg.connect(url)) as session, session:
        session.execute("UPDATE users SET password = %s", [make_password(password)])


def test_password_changed_by_the_original__ends_the_tokens(own_database):
    client = program(make_user("ana"), "read")
    assert client.get("/api/auth/me").status_code == 200
    originals_admin_sets("bailamos", own_database.url("original_app"))
    assert client.get("/api/auth/me").status_code == 401
    browser = Client()
    browser.force_login(User.objects.get())
    (listed,) = browser.get(ADDRESS).json()["results"]
    assert listed["ended"] == "the password was changed"


@pytest.mark.parametrize("door", ["api", "admin"])
def test_password_changed_here__ends_the_tokens(api, ana, door):
    client = program(ana, "read")
    if door == "api":
        sent = {"old_password": "secreto", "new_password": "bailamos"}
        assert api.post("/api/auth/password", sent, content_type="application/json").status_code == 204
    else:
        staff = Client()
        staff.force_login(make_user("eva", is_staff=True, is_superuser=True))
        sent = {"password1": "bailamos", "password2": "bailamos", "usable_password": "true"}
        assert staff.post(f"/admin/users/user/{ana.pk}/password/", sent).status_code == 302
    assert client.get("/api/auth/me").status_code == 401


def test_password_hashed_again_by_a_login__leaves_the_tokens(ana):
    ana.password = with_fewer_rounds("secreto")
    ana.save()
    client = program(ana, "read")
    assert by_api(Client(), "ana", "secreto").status_code == 200
    assert User.objects.get().password != ana.password, "it was hashed again"
    assert client.get("/api/auth/me").status_code == 200


def test_migration__older_tokens__get_an_end_and_follow_the_password(ana):
    clients = [program(ana, "read") for _ in range(3)]
    never, soon, far = PersonalToken.objects.order_by("id")
    now = timezone.now()
    for token, end in ((never, None), (soon, now + timedelta(days=1)), (far, now + timedelta(days=999))):
        PersonalToken.objects.filter(pk=token.pk).update(expires_at=end, password_mark="")
    assert {client.get("/api/auth/me").status_code for client in clients} == {401}, "fail closed"
    migration = MigrationLoader(None).graph.nodes["tokens", "0003_tokens_end"]
    with connection.cursor() as cursor:
        cursor.execute(migration.operations[-1].sql)
    days = [round((token.expires_at - now) / timedelta(days=1)) for token in PersonalToken.objects.order_by("id")]
    assert days == [90, 1, 365]
    assert {client.get("/api/auth/me").status_code for client in clients} == {200}
    User.objects.update(password=make_password("bailamos"))
    assert {client.get("/api/auth/me").status_code for client in clients} == {401}


def test_migrated_token__survives_a_password_that_is_hashed_again(ana):
    ana.password = with_fewer_rounds("secreto")
    ana.save()
    client = program(ana, "read")
    PersonalToken.objects.update(password_mark=OF_MIGRATION + hash_of(ana.password))
    assert by_api(Client(), "ana", "secreto").status_code == 200
    assert client.get("/api/auth/me").status_code == 200


def test_events__made_ended_and_used_after_its_end_once_an_hour(api, ana):
    secret = new(api).json()["token"]
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    PersonalToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert [client.get("/api/auth/me").status_code for _ in range(3)] == [401] * 3
    api.delete(f"{ADDRESS}/{PersonalToken.objects.get().pk}")
    events = AccountEvent.objects.filter(kind__startswith="token").order_by("id")
    mark = secret[:12] + "…"
    assert list(events.values_list("kind", "detail")) == [
        ("token-made", f"{mark} read"),
        ("token-refused", f"{mark} it expired"),
        ("token-ended", mark),
    ]


def test_sweep__forgets_tokens_a_month_after_their_end(ana):
    now = timezone.now()
    for days in (-31, -29, 1):
        issue_token(user=ana, name=f"{days}", scopes=["read"], expires_at=now + timedelta(days=days))
    sweep()
    assert set(PersonalToken.objects.values_list("name", flat=True)) == {"-29", "1"}


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

"""What a request sends beside the declared fields changes nothing, whatever it is called and however it is sent."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.test import Client
from django.utils.http import urlencode
from rest_framework import serializers

from apps.authentication.api import AccountChange
from apps.authentication.models import User
from tests.conftest import make_user
from tests.matrix import FORM, rows_of, session_of
from tests.test_access import API_LOGIN, API_WISHES, KEPT, LABEL, LOGIN, PUBLIC, REGISTRATION, SENT, TASK, WISHES, house

__all__ = ["house"]

OWN = f"/api/collections/{KEPT}"
# Address, method, what is sent, and which further fields the address takes.
WRITES: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("/api/auth/register", "POST", REGISTRATION, set()),
    ("/api/auth/login", "POST", API_LOGIN, set()),
    ("/api/auth/me", "PATCH", {"display_name": "Anita"}, set()),
    ("/api/auth/password", "POST", SENT["/api/auth/password"], set()),
    ("/api/auth/tokens", "POST", SENT["/api/auth/tokens"], {"expires_at"}),
    # With a seed, or each time another one is written.
    ("/api/choreography/generate", "POST", API_WISHES | {"seed": 5}, {"energy", "style", "auto_save", "corrections"}),
    (f"/api/choreography/tasks/{TASK}/forget", "POST", {}, set()),
    ("/api/collections", "POST", {"task_id": TASK}, {"title", "difficulty"}),
    (OWN, "PATCH", {"title": "Sol"}, {"difficulty", "tags", "category"}),
    (OWN, "PATCH", {"tags": ["sol"], "category": "Clase"}, {"title", "difficulty"}),
    (f"/api/collections/labels/{LABEL}", "PATCH", {"name": "sol"}, set()),
    (f"{OWN}/share", "PATCH", {"visibility": "public"}, {"shows_name"}),
    (f"{OWN}/share/link", "POST", {}, set()),
    (f"/api/public/{PUBLIC}/like", "PUT", {}, set()),
    (f"/api/favourites/{PUBLIC}", "PUT", {}, set()),
    (f"/collection/{KEPT}/share", "POST", {"visibility": "public"}, {"shows_name", "do"}),
    (f"/public/{PUBLIC}/like", "POST", {}, {"like"}),
    (f"/favourites/{PUBLIC}", "POST", {}, {"favourite"}),
    (f"/collection/{KEPT}/edit", "POST", {"title": "Sol", "tags": "sol"}, {"difficulty", "category"}),
    ("/account/password", "POST", SENT["/account/password"], set()),
    ("/account/profile", "POST", {"display_name": "Anita"}, set()),
    ("/account/tokens", "POST", SENT["/account/tokens"], {"expires_at"}),
    ("/auth/login/", "POST", LOGIN, {"login"}),
    ("/auth/profile/", "POST", {"display_name": "Anita"}, set()),
    ("/auth/register/", "POST", REGISTRATION, set()),
    ("/collections/save/", "POST", SENT["/collections/save/"], {"music_info", "generation_parameters"}),
    (f"/collections/{KEPT}/edit/", "POST", {"title": "Sol", "difficulty": "advanced"}, set()),
    ("/create/", "POST", WISHES, {"auto_save"}),
    ("/login", "POST", LOGIN, set()),
    ("/register", "POST", REGISTRATION, set()),
    ("/studio", "POST", WISHES | {"seed": 5}, {"energy", "style", "auto_save", "corrections", "key"}),
    (f"/studio/{TASK}/keep", "POST", {}, {"title", "difficulty"}),
]


@pytest.fixture
def browser(house, monkeypatch) -> Client:
    monkeypatch.setattr("config.inputs.NAMED", 1_000)
    client = Client()
    client.cookies["sessionid"] = session_of(User.objects.get(username="ana"))
    client.get("/account")  # the first request of a session notes that it was seen
    return client


def poison(victim: User) -> dict[str, Any]:
    """Return a value for every column of every model, and for names that other frameworks know."""
    found: dict[str, Any] = {
        "owner": victim.pk,
        "pk": victim.pk,
        "role": "admin",
        "permissions": ["1"],
        "_method": "PUT",
    }
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            found |= dict.fromkeys((field.name, field.column), value_for(field, victim))
    return found


def value_for(field: models.Field, victim: User) -> Any:
    if field.related_model is User:
        return victim.pk
    kinds = [
        (models.BooleanField, True),
        (models.JSONField, {"poison": 1}),
        (models.DateTimeField, "2001-01-01T00:00:00Z"),
        (models.IntegerField | models.AutoField | models.FloatField, victim.pk),
        (models.UUIDField, "00000000-0000-4000-8000-00000000dead"),
    ]
    return next((value for kind, value in kinds if isinstance(field, kind)), "poison")


def spellings(sent: dict[str, Any], extra: dict[str, Any], *, of_api: bool) -> Iterator[tuple[str, bytes, str]]:
    """Yield the same request with the extra fields in other forms: its query, body and media type."""
    write = (lambda body: json.dumps(body).encode()) if of_api else (lambda body: urlencode(body, doseq=True).encode())
    kind = "application/json" if of_api else FORM
    yield "", write(extra | sent), kind
    yield "", write(sent | {"user": extra, "data": extra, "attributes": extra}), kind
    flat = {
        f"{parent}{name}": value for name, value in extra.items() for parent in ("user.", "user__", "$set.", "users-0-")
    }
    yield "", write(flat | sent), kind
    yield f"?{urlencode(extra, doseq=True)}", write(sent), kind
    if of_api:  # each name twice: of two values the declared one, which comes last, counts
        twice = ", ".join(f"{json.dumps(name)}: {json.dumps(extra.get(name, 'x'))}" for name in sent)
        plain = json.dumps(sent)[1:-1]
        yield "", f"{{{', '.join(filter(None, (twice, plain)))}}}".encode(), kind


def outcome(browser: Client, method: str, address: str, body: bytes, kind: str) -> tuple[int, list[tuple[str, Any]]]:
    """Send a request and take it back; return the status and every value that was new in the database."""
    key = browser.cookies["sessionid"].value
    before = rows_of(None)
    with transaction.atomic():
        status = browser.generic(method, address, body, content_type=kind).status_code
        after = rows_of(None)
        transaction.set_rollback(True)
    browser.cookies["sessionid"] = key
    written = [
        (f"{row.split()[0]}.{column}", value)
        for row in sorted(after, key=lambda row: (row.split()[0], _without_key(after[row])))
        for column, value in after[row].items()
        if before.get(row, {}).get(column, "unset") != value
    ]
    gone = [(row, "gone") for row in sorted(before.keys() - after.keys())]
    return status, written + gone


def _without_key(row: dict[str, Any]) -> list[str]:
    """Return the values of a row but its key: new rows of one table come in the same order each time."""
    return sorted(f"{column}={value}" for column, value in row.items() if column != "id")


def alike(left: list[tuple[str, Any]], right: list[tuple[str, Any]], known: list[bool]) -> bool:
    """Return whether the same was written; ``known`` tells for each value that it is no time, key or random text."""
    same_places = [place for place, _ in left] == [place for place, _ in right]
    return same_places and all(a == b for (_, a), (_, b), is_known in zip(left, right, known, strict=True) if is_known)


@pytest.mark.parametrize(("address", "method", "sent", "declared"), WRITES, ids=[f"{m} {a}" for a, m, _, _ in WRITES])
@pytest.mark.thinned(to_one_in=5)
def test_fields_that_are_not_declared__change_nothing(browser, address, method, sent, declared):
    of_api = address.startswith("/api/")
    extra = {name: value for name, value in poison(make_user("victim")).items() if name not in declared | sent.keys()}
    plain = json.dumps(sent).encode() if of_api else urlencode(sent, doseq=True).encode()
    kind = "application/json" if of_api else FORM
    status, written = outcome(browser, method, address, plain, kind)
    assert status < 400, status
    assert written or "keep" in address or "collections" in address
    _, again = outcome(browser, method, address, plain, kind)
    known = [value == other for (_, value), (_, other) in zip(written, again, strict=True)]
    if of_api and (sent or declared):
        refused = browser.generic(method, address, json.dumps(extra | sent).encode(), content_type=kind)
        assert set(refused.json()["errors"]) == set(extra), "each by its name: a declared one would be missing"
    for query, body, media_type in spellings(sent, extra, of_api=of_api):
        got, changed = outcome(browser, method, address + query, body, media_type)
        if of_api and got == 400:  # the API refuses the names that it does not know
            assert changed == [], (query, body[:200])
            continue
        assert got == status, (query, body[:200])
        assert alike(written, changed, known), (query, body[:200], written, changed)


def test_preferences__take_any_name_and_write_no_other_column(browser):
    body = json.dumps(poison(make_user("victim")) | {"password": "x"}).encode()
    status, changed = outcome(browser, "PATCH", "/api/auth/me/preferences", body, "application/json")
    assert (status, {place for place, _ in changed} - {"open_sessions.expires_at"}) == (200, {"users.preferences"})


def test_planted__field_that_reaches_the_row__is_noticed(browser, monkeypatch):
    monkeypatch.setattr("apps.authentication.services.change_account", change_all)
    monkeypatch.setitem(AccountChange._declared_fields, "is_staff", serializers.BooleanField())
    with pytest.raises(AssertionError, match="is_staff"):
        test_fields_that_are_not_declared__change_nothing(
            browser, "/api/auth/me", "PATCH", {"display_name": "Anita"}, set()
        )


def change_all(*, user: User, **columns: Any) -> User:
    User.objects.filter(pk=user.pk).update(**columns)
    return User.objects.get(pk=user.pk)

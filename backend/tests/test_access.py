"""Access to every address and method: by a visitor, the owner, another user and staff.

An address or a method that is not listed here fails until its access is decided. ``tests/test_matrix.py`` asks for all
of them as everyone.
"""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.db.models.functions import Now
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path, resolve

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.labels.models import Label, Labelling
from apps.open_sessions.models import OpenSession
from apps.sharing.links import _secret, mark_of
from apps.sharing.models import Share
from apps.songs.models import OwnSong, Recording
from apps.titles.following import follow
from apps.tokens.models import PersonalToken
from apps.tokens.scopes import SCOPES, scope_needed
from apps.tokens.services import issue_token
from apps.webhooks.models import Webhook
from tests.conftest import make_user
from tests.sharing import shared

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PEOPLE = ("anonymous", "owner", "other", "staff")
Outcome = int | str  # a status, or "login": led to the login page, to come back
Outcomes = tuple[Outcome, Outcome, Outcome, Outcome]

# Of Dora, who shares it with everyone and by a link.
PUBLIC, NONCE = uuid.UUID(int=2), "0" * 64
LINK = _secret(NONCE)
KEPT, TASK, TOKEN, SESSION, SONG, VIDEO = uuid.UUID(int=1), "t", 7_000_000, 8_000_000, "s.mp3", "v.mp4"
OWN_SONG = uuid.UUID(int=3)
LABEL, WEBHOOK = 6_000_000, 5_000_000


def all_users(outcome: Outcome) -> Outcomes:
    return (outcome,) * 4


def members(outcome: Outcome, *, anonymous: Outcome = 401) -> Outcomes:
    return (anonymous, outcome, outcome, outcome)


def owner(outcome: Outcome, *, anonymous: Outcome = 401, others: Outcome = 404) -> Outcomes:
    """Staff has no special access here; it uses the admin site."""
    return (anonymous, outcome, others, others)


def page(outcome: Outcome) -> Outcomes:
    return members(outcome, anonymous="login")


def own_page(outcome: Outcome, *, others: Outcome = 404) -> Outcomes:
    return owner(outcome, anonymous="login", others=others)


TEXTS = ("timeline", "captions", "chapters")
SIDECARS = (*TEXTS, "picture")

# In the order of PEOPLE.
DECLARED: dict[str, dict[str, Outcomes]] = {
    "/api/auth/events": {"GET": members(200)},
    "/api/auth/login": {"POST": all_users(200)},
    "/api/auth/logout": {"POST": members(204)},
    "/api/auth/me": {"GET": members(200), "PATCH": members(200)},
    "/api/auth/me/delete": {"POST": (401, 204, 204, 409)},  # each the own one; staff not here
    "/api/auth/me/preferences": {"GET": members(200), "PATCH": members(200)},
    "/api/auth/password": {"POST": members(204)},
    "/api/auth/register": {"POST": all_users(201)},
    "/api/auth/reset": {"POST": all_users(204)},
    "/api/auth/reset/password": {"POST": all_users(404)},
    "/api/auth/tokens": {"GET": members(200), "POST": members(201)},
    f"/api/auth/tokens/{TOKEN}": {"DELETE": owner(204)},
    "/api/auth/sessions": {"GET": members(200), "DELETE": members(204)},
    f"/api/auth/sessions/{SESSION}": {"DELETE": owner(204)},
    "/api/choreography/generate": {"POST": members(202)},
    "/api/choreography/tasks": {"GET": members(200)},
    f"/api/choreography/tasks/{TASK}": {"GET": owner(200), "DELETE": owner(409)},
    f"/api/choreography/tasks/{TASK}/cancel": {"POST": owner(409)},
    f"/api/choreography/tasks/{TASK}/forget": {"POST": owner(200)},
    f"/api/choreography/tasks/{TASK}/swap": {"POST": owner(404)},  # it was made without a plan
    f"/api/choreography/tasks/{TASK}/video": {"GET": owner(200)},
    f"/api/choreography/tasks/{TASK}/video/link": {"POST": owner(201)},
    f"/api/choreography/tasks/{TASK}/video/linked": {"GET": all_users(404)},
    **{f"/api/choreography/tasks/{TASK}/{kind}": {"GET": owner(404)} for kind in SIDECARS},
    "/api/collections": {"GET": members(200), "POST": owner(201)},
    "/api/collections/stats": {"GET": members(200)},
    f"/api/collections/{KEPT}": {"GET": owner(200), "PATCH": owner(200), "DELETE": owner(204)},
    f"/api/collections/{KEPT}/video": {"GET": owner(200)},
    f"/api/collections/{KEPT}/video/link": {"POST": owner(201)},
    f"/api/collections/{KEPT}/video/linked": {"GET": all_users(404)},
    **{f"/api/collections/{KEPT}/{kind}": {"GET": owner(404)} for kind in SIDECARS},
    "/api/collections/labels": {"GET": members(200)},
    f"/api/collections/labels/{LABEL}": {"PATCH": owner(200), "DELETE": owner(204)},
    f"/api/collections/{KEPT}/share": {"GET": owner(200), "PATCH": owner(200)},
    f"/api/collections/{KEPT}/share/link": {"POST": owner(201), "DELETE": owner(204)},
    "/api/favourites": {"GET": members(200)},
    f"/api/favourites/{KEPT}": {"PUT": owner(204), "DELETE": members(204)},
    f"/api/favourites/{PUBLIC}": {"PUT": members(204), "DELETE": members(204)},
    "/api/public": {"GET": all_users(200)},
    f"/api/public/{KEPT}": {"GET": all_users(404)},
    f"/api/public/{KEPT}/like": dict.fromkeys(("GET", "PUT", "DELETE"), members(404)),
    f"/api/public/{KEPT}/thumbnail": {"GET": all_users(404)},
    f"/api/public/{KEPT}/video": {"GET": all_users(404)},
    f"/api/public/{PUBLIC}": {"GET": all_users(200)},
    f"/api/public/{PUBLIC}/like": dict.fromkeys(("GET", "PUT", "DELETE"), members(200)),
    **{f"/api/public/{KEPT}/{kind}": {"GET": all_users(404)} for kind in TEXTS},
    **{f"/api/public/{PUBLIC}/{kind}": {"GET": all_users(404)} for kind in TEXTS},
    f"/api/public/{PUBLIC}/video": {"GET": all_users(200)},
    f"/api/shared/{LINK}": {"GET": all_users(200)},
    f"/api/shared/{LINK}/thumbnail": {"GET": all_users(404)},
    **{f"/api/shared/{LINK}/{kind}": {"GET": all_users(404)} for kind in TEXTS},
    f"/api/shared/{LINK}/video": {"GET": all_users(200)},
    f"/api/choreography/tasks/{TASK}/events": {"GET": owner(200)},
    "/api/webhooks": {"GET": members(200), "POST": members(201)},
    f"/api/webhooks/{WEBHOOK}": {"GET": owner(200), "PATCH": owner(200), "DELETE": owner(204)},
    f"/api/webhooks/{WEBHOOK}/deliveries": {"GET": owner(200)},
    f"/api/webhooks/{WEBHOOK}/secret": {"POST": owner(201)},
    f"/api/webhooks/{WEBHOOK}/test": {"POST": owner(202)},
    "/api/health": {"GET": all_users(200)},
    "/api/moves": {"GET": members(200)},
    "/api/moves/none": {"GET": members(404)},
    "/api/ready": {"GET": all_users(503)},
    "/api/schema": {"GET": all_users(200)},
    "/api/songs": {"GET": members(200), "POST": members(400)},
    f"/api/songs/{SONG}": {"GET": members(200), "PATCH": members(409), "DELETE": members(409)},
    f"/api/songs/{OWN_SONG}": {"GET": owner(200), "PATCH": owner(200), "DELETE": owner(204)},
    "/health": {"GET": all_users(200)},
    "/ready": {"GET": all_users(503)},
    # The pages.
    "/": dict.fromkeys(METHODS, all_users(302)),
    "/account": {"GET": page(200)},
    "/account/delete": {"POST": ("login", 200, 200, 409)},  # each the own one; staff not here
    "/account/password": {"POST": page(302)},
    "/account/profile": {"POST": page(302)},
    "/account/second-factor": {"GET": ("login", 404, 404, 200), "POST": ("login", 404, 404, 409)},
    "/account/sessions": {"POST": page(302)},
    f"/account/sessions/{SESSION}": {"POST": own_page(302)},
    "/account/tokens": {"POST": page(200)},
    f"/account/tokens/{TOKEN}": {"POST": own_page(302)},
    "/collection": {"GET": page(200)},
    f"/collection/{KEPT}": {"GET": own_page(200)},
    f"/collection/{KEPT}/share": {"POST": own_page(302)},
    f"/collection/{KEPT}/still": {"GET": own_page(404)},  # it was made without a picture
    "/collection/clean-up": {"GET": page(200), "POST": page(302)},
    "/favourites": {"GET": page(302)},
    f"/favourites/{KEPT}": {"POST": own_page(302)},
    f"/favourites/{PUBLIC}": {"POST": page(302)},
    "/public": {"GET": all_users(200)},
    f"/public/{KEPT}": {"GET": all_users(404)},
    f"/public/{KEPT}/like": {"POST": page(404)},
    f"/public/{PUBLIC}": {"GET": all_users(200)},
    f"/public/{KEPT}/still": {"GET": all_users(404)},
    f"/public/{PUBLIC}/still": {"GET": all_users(404)},
    f"/public/{PUBLIC}/like": {"POST": page(302)},
    f"/shared/{LINK}": {"GET": all_users(200)},
    f"/shared/{LINK}/still": {"GET": all_users(404)},
    f"/collection/{KEPT}/edit": {"GET": own_page(200), "POST": own_page(302)},
    "/forgotten": {"GET": all_users(200), "POST": all_users(200)},
    "/reset/MQ/none": {"GET": all_users(404), "POST": all_users(404)},
    "/look": {"POST": all_users(302)},
    "/login": {"GET": all_users(200), "POST": all_users(302)},
    "/logout": {"POST": all_users(302)},
    "/register": {"GET": all_users(200), "POST": all_users(302)},
    "/studio": {"GET": page(200), "POST": page(302)},
    "/studio/songs": {"POST": page(400)},
    f"/studio/songs/{OWN_SONG}": {"GET": own_page(200), "POST": own_page(302)},
    f"/studio/songs/{OWN_SONG}/delete": {"POST": own_page(302)},
    f"/studio/{TASK}": {"GET": own_page(200)},
    f"/studio/{TASK}/again": {"POST": own_page(409)},  # it does not say what was asked for
    f"/studio/{TASK}/keep": {"POST": own_page(302)},
    # The original's addresses.
    "/auth/login/": {"GET": all_users(302), "POST": all_users(302)},
    "/auth/logout/": {"POST": all_users(302)},
    "/auth/profile/": {"GET": page(302), "POST": page(302)},
    "/auth/register/": {"GET": all_users(302), "POST": all_users(302)},
    "/collections/": {"GET": page(302)},
    "/collections/save/": {"POST": page(200)},
    "/collections/stats/": {"GET": page(200)},
    f"/collections/{KEPT}/": {"GET": own_page(302)},
    f"/collections/{KEPT}/delete/": {"GET": own_page(302), "POST": own_page(302)},
    f"/collections/{KEPT}/edit/": {"GET": own_page(302), "POST": own_page(302)},
    "/create/": {"POST": members(200)},
    "/select-song/": {"GET": all_users(302)},
    f"/task/{TASK}/": {"GET": own_page(200, others=403)},
    f"/task/{TASK}/cancel/": {"POST": own_page(200, others=403), "DELETE": own_page(200, others=403)},
    "/tasks/": {"GET": page(200)},
    f"/video/{VIDEO}/": {"GET": own_page(200)},
}

LOGIN = {"login": "ana", "username": "ana", "password": "secreto"}
REGISTRATION = {"username": "new", "email": "new@example.com", "display_name": "New", "password": "bailar"}
WISHES = {"song": SONG, "song_selection": SONG, "difficulty": "beginner"}
# The API refuses the names that only the pages and the original have.
API_LOGIN = {name: LOGIN[name] for name in ("login", "password")}
API_WISHES = {name: WISHES[name] for name in ("song", "difficulty")}
HOOK = "https://93.184.215.14/hook"
SENT: dict[str, dict[str, object]] = {
    "/account/delete": {"password": "secreto"},
    "/forgotten": {"email": "ana@example.com"},
    "/account/password": {"old_password": "secreto", "new_password": "bailamos"},
    "/account/profile": {"display_name": "Anita"},
    "/account/tokens": {"name": "x", "scopes": ["read"], "days": "30"},
    "/api/auth/login": API_LOGIN,
    "/api/auth/me/delete": {"password": "secreto"},
    "/api/auth/password": {"old_password": "secreto", "new_password": "bailamos"},
    "/api/auth/register": REGISTRATION,
    "/api/auth/reset": {"email": "ana@example.com"},
    "/api/auth/reset/password": {"user_key": "MQ", "token": "none", "new_password": "bailamos"},
    "/api/auth/tokens": {"name": "x", "scopes": ["read"]},
    "/api/choreography/generate": API_WISHES,
    f"/api/choreography/tasks/{TASK}/swap": {"move": 1},
    "/api/collections": {"task_id": TASK},
    "/api/webhooks": {"url": HOOK},
    "/auth/login/": LOGIN,
    "/auth/profile/": {"display_name": "Anita"},
    "/auth/register/": REGISTRATION,
    "/collections/save/": {"title": "x", "difficulty": "beginner", "video_path": "x.mp4", "duration": 1},
    "/collection/clean-up": {"do": "files"},
    f"/collection/{KEPT}/share": {"visibility": "public", "shows_name": "on"},
    "/create/": WISHES,
    "/login": LOGIN,
    "/register": REGISTRATION,
    "/studio": WISHES,
    f"/studio/songs/{OWN_SONG}": {"title": "Sol"},
}
# Addresses that accept no token, whatever its scopes.
SESSION_ONLY = {
    "/api/auth/events",
    "/api/auth/sessions",
    f"/api/auth/sessions/{SESSION}",
    "/api/auth/logout",
    "/api/auth/me/delete",
    "/api/auth/password",
    "/api/auth/tokens",
    f"/api/auth/tokens/{TOKEN}",
}


@pytest.fixture
def house(db, media_root: Path, settings, moves_library: Path) -> None:
    """Rows of Ana, which others try to reach."""
    settings.MOVES_LIBRARY = moves_library
    ana = make_user("ana")
    name = f"output/user_{ana.pk}/{VIDEO}"
    for file in (f"songs/{SONG}", name):
        (media_root / file).parent.mkdir(parents=True)
        (media_root / file).write_bytes(b"x")
    result = {"video_path": name, "sequence_duration": 1.0}
    ChoreographyTask.objects.create(task_id=TASK, user=ana, status="completed", result=result)
    kept = {"title": "Noche", "video_path": name, "difficulty": "beginner", "duration": 1}
    SavedChoreography.objects.create(pk=KEPT, user=ana, **kept)
    recording = Recording.objects.create(sha256="0" * 64, file_name="own_songs/hers.mp3", size=1, duration_s=1)
    OwnSong.objects.create(pk=OWN_SONG, user=ana, recording=recording, title="hers")
    label = Label.objects.create(pk=LABEL, user=ana, kind="tag", name="hers", key="hers")
    Labelling.objects.create(label=label, choreography_id=KEPT, kind="tag", created_at=Now())
    follow(ana.pk, KEPT)
    Webhook.objects.create(pk=WEBHOOK, user=ana, url=HOOK, events=["task.failed"], nonce="0" * 64)
    issue_token(user=ana, name="hers", scopes=["read"])
    PersonalToken.objects.update(id=TOKEN)
    browser_of("owner")
    OpenSession.objects.update(id=SESSION)
    shared(make_user("dora"), pk=PUBLIC, title="Sol")
    Share.objects.update(link_nonce=NONCE, link_mark=mark_of(LINK))


def browser_of(person: str) -> Client:
    client = Client()
    if person == "owner":
        client.force_login(User.objects.get(username="ana"))
    elif person != "anonymous":
        client.force_login(make_user(person, is_staff=person == "staff", is_superuser=person == "staff"))
    return client


def send(client: Client, method: str, address: str) -> HttpResponse:
    body = SENT.get(address, {}) if method == "POST" else {}
    if address.startswith("/api/") and address != "/api/songs":
        answer = client.generic(method, address, json.dumps(body), content_type="application/json")
    else:
        answer = client.post(address, body) if method == "POST" else client.generic(method, address)
    if answer.streaming:
        answer.getvalue()  # to its end, or the file of a video stays open
    return answer


def outcome_of(answer: HttpResponse) -> Outcome:
    leads_to_login = answer.status_code == 302 and answer["Location"].startswith("/login?next=")
    return "login" if leads_to_login else answer.status_code


def routes(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if not isinstance(pattern, URLResolver):
            yield route
        elif pattern.app_name != "admin":  # at the end of this file
            yield from routes(pattern.url_patterns, route)


def undeclared(patterns: list[URLPattern | URLResolver]) -> set[str]:
    return set(routes(patterns)) - {resolve(address).route.removeprefix("^") for address in DECLARED}


def test_every_address__is_declared():
    assert undeclared(get_resolver().url_patterns) == set()


def test_new_address__is_noticed():
    new = path("api/secrets/<int:number>", lambda *_, **__: HttpResponse())
    assert undeclared([*get_resolver().url_patterns, new]) == {"api/secrets/<int:number>"}


def test_method__that_is_not_declared__is_not_there(house):
    client = browser_of("owner")
    for address, declared in DECLARED.items():
        for method in set(METHODS) - set(declared):
            assert send(client, method, address).status_code == 405, (method, address)


GUARDED = [
    (address, method)
    for address in DECLARED
    for method in DECLARED[address]
    if address.startswith("/api/") and DECLARED[address][method][0] == 401
]


def answer_to_token(method: str, address: str, *scopes: str) -> HttpResponse:
    token, secret = issue_token(user=PersonalToken.objects.get().user, name="x", scopes=scopes)
    answer = send(Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"}), method, address)
    token.delete()
    return answer


def test_token__with_every_scope_but_the_needed_one__does_nothing(house):
    for address, method in GUARDED:
        needed = scope_needed(method, resolve(address).route)
        answer = answer_to_token(method, address, *(set(SCOPES) - {needed}))
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:compas:problem:scope"), (method, address)
        assert (needed or "No token") in answer.json()["detail"], (method, address)


def admin_addresses() -> list[str]:
    found = [f"/admin/{route}" for route in routes(admin.site.urls[0])]
    return [re.sub(r"<[^>]+>", "1", address) for address in found if "(?P" not in address]


@pytest.mark.parametrize("person", ["anonymous", "other", "staff"])
def test_admin__is_for_staff(house, person):
    client = browser_of(person)
    open_to_all = {"/admin/login/", "/admin/jsi18n/", "/admin/logout/"}
    for address in set(admin_addresses()) - open_to_all:
        answer = client.get(address)
        refused = answer.status_code == 302 and answer["Location"].startswith("/admin/login/?next=")
        assert refused is (person != "staff"), address


def test_admin__has_addresses():
    assert {"/admin/", "/admin/users/user/1/password/"} <= set(admin_addresses())

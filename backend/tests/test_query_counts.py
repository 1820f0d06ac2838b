"""How many queries a request takes at every address of the URL table: at most 12, and as many as are listed here.

Asked by the owner. What begins and ends a transaction is not counted, and neither is that the session was seen, which
is noted once a minute.
"""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client, TestCase
from django.test.utils import CaptureQueriesContext

from apps.authentication.models import User
from apps.authentication.preferences import preferences_of
from tests.test_access import (
    DECLARED,
    KEPT,
    LABEL,
    LINK,
    OWN_SONG,
    PUBLIC,
    SESSION,
    SONG,
    TASK,
    TOKEN,
    VIDEO,
    WEBHOOK,
    browser_of,
    house,
    send,
)

__all__ = ["house"]

MOST = 12
CONTROL = re.compile("(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)")
OF_VISITORS = {"/api/auth/login", "/api/auth/register", "/login", "/register", "/auth/login/", "/auth/register/"}
# Seldom asked: an account is deleted, and then each file that it leaves.
MORE = {18: {"POST /api/auth/me/delete"}}
# An id of Phase 1 that Phase 2 is asked for: whether the user saved it under its old spelling is one query more,
# and no query is saved for it: the first takes 13. By an id of Phase 2 none of them does.
BY_OLD_ID = {
    "POST /api/collections",
    "GET /api/choreography/tasks/t/events",
    "GET /studio/t",
    "POST /studio/t/keep",
}
# In the order of tests.test_access.DECLARED.
QUERIES: dict[str, int] = {
    "GET /api/auth/events": 3,
    "POST /api/auth/login": 10,
    "POST /api/auth/logout": 6,
    "GET /api/auth/me": 2,
    "PATCH /api/auth/me": 3,
    "POST /api/auth/me/delete": 18,
    "GET /api/auth/me/preferences": 2,
    "PATCH /api/auth/me/preferences": 4,
    "POST /api/auth/password": 12,
    "POST /api/auth/register": 12,
    "POST /api/auth/reset": 3,
    "POST /api/auth/reset/password": 1,
    "GET /api/auth/tokens": 3,
    "POST /api/auth/tokens": 7,
    f"DELETE /api/auth/tokens/{TOKEN}": 5,
    "GET /api/auth/sessions": 4,
    "DELETE /api/auth/sessions": 5,
    f"DELETE /api/auth/sessions/{SESSION}": 6,
    "POST /api/choreography/generate": 11,
    "GET /api/choreography/tasks": 4,
    f"GET /api/choreography/tasks/{TASK}": 4,
    f"DELETE /api/choreography/tasks/{TASK}": 4,
    f"POST /api/choreography/tasks/{TASK}/cancel": 4,
    f"POST /api/choreography/tasks/{TASK}/forget": 12,
    f"POST /api/choreography/tasks/{TASK}/swap": 4,
    f"GET /api/choreography/tasks/{TASK}/video": 4,
    f"POST /api/choreography/tasks/{TASK}/video/link": 4,
    f"GET /api/choreography/tasks/{TASK}/video/linked": 1,
    f"GET /api/choreography/tasks/{TASK}/timeline": 4,
    f"GET /api/choreography/tasks/{TASK}/captions": 4,
    f"GET /api/choreography/tasks/{TASK}/chapters": 4,
    f"GET /api/choreography/tasks/{TASK}/picture": 4,
    "GET /api/collections": 5,
    "POST /api/collections": 12,
    "GET /api/collections/stats": 3,
    f"GET /api/collections/{KEPT}": 4,
    f"PATCH /api/collections/{KEPT}": 4,
    f"DELETE /api/collections/{KEPT}": 6,
    f"GET /api/collections/{KEPT}/video": 3,
    f"POST /api/collections/{KEPT}/video/link": 3,
    f"GET /api/collections/{KEPT}/video/linked": 1,
    f"GET /api/collections/{KEPT}/timeline": 3,
    f"GET /api/collections/{KEPT}/captions": 3,
    f"GET /api/collections/{KEPT}/chapters": 3,
    f"GET /api/collections/{KEPT}/picture": 3,
    "GET /api/collections/labels": 3,
    f"PATCH /api/collections/labels/{LABEL}": 4,
    f"DELETE /api/collections/labels/{LABEL}": 5,
    f"GET /api/collections/{KEPT}/share": 4,
    f"PATCH /api/collections/{KEPT}/share": 9,
    f"POST /api/collections/{KEPT}/share/link": 9,
    f"DELETE /api/collections/{KEPT}/share/link": 7,
    "GET /api/favourites": 3,
    f"PUT /api/favourites/{KEPT}": 6,
    f"DELETE /api/favourites/{KEPT}": 3,
    f"PUT /api/favourites/{PUBLIC}": 6,
    f"DELETE /api/favourites/{PUBLIC}": 3,
    "GET /api/public": 1,
    f"GET /api/public/{KEPT}": 1,
    f"GET /api/public/{KEPT}/like": 3,
    f"PUT /api/public/{KEPT}/like": 4,
    f"DELETE /api/public/{KEPT}/like": 4,
    f"GET /api/public/{KEPT}/thumbnail": 1,
    f"GET /api/public/{KEPT}/video": 1,
    f"GET /api/public/{PUBLIC}": 1,
    f"GET /api/public/{PUBLIC}/like": 4,
    f"PUT /api/public/{PUBLIC}/like": 4,
    f"DELETE /api/public/{PUBLIC}/like": 4,
    f"GET /api/public/{KEPT}/timeline": 1,
    f"GET /api/public/{KEPT}/captions": 1,
    f"GET /api/public/{KEPT}/chapters": 1,
    f"GET /api/public/{PUBLIC}/timeline": 2,
    f"GET /api/public/{PUBLIC}/captions": 2,
    f"GET /api/public/{PUBLIC}/chapters": 2,
    f"GET /api/public/{PUBLIC}/video": 2,
    f"GET /api/shared/{LINK}": 1,
    f"GET /api/shared/{LINK}/thumbnail": 2,
    f"GET /api/shared/{LINK}/timeline": 2,
    f"GET /api/shared/{LINK}/captions": 2,
    f"GET /api/shared/{LINK}/chapters": 2,
    f"GET /api/shared/{LINK}/video": 2,
    f"GET /api/choreography/tasks/{TASK}/events": 9,
    "GET /api/webhooks": 3,
    "POST /api/webhooks": 6,
    f"GET /api/webhooks/{WEBHOOK}": 3,
    f"PATCH /api/webhooks/{WEBHOOK}": 4,
    f"DELETE /api/webhooks/{WEBHOOK}": 6,
    f"GET /api/webhooks/{WEBHOOK}/deliveries": 4,
    f"POST /api/webhooks/{WEBHOOK}/secret": 5,
    f"POST /api/webhooks/{WEBHOOK}/test": 5,
    "GET /api/health": 0,
    "GET /api/moves": 2,
    "GET /api/moves/none": 2,
    "GET /api/ready": 0,
    "GET /api/schema": 0,
    "GET /api/songs": 4,
    "POST /api/songs": 2,
    f"GET /api/songs/{SONG}": 3,
    f"PATCH /api/songs/{SONG}": 2,
    f"DELETE /api/songs/{SONG}": 2,
    f"GET /api/songs/{OWN_SONG}": 3,
    f"PATCH /api/songs/{OWN_SONG}": 3,
    f"DELETE /api/songs/{OWN_SONG}": 5,
    "GET /health": 1,
    "GET /ready": 0,
    "GET /": 0,
    "POST /": 0,
    "PUT /": 0,
    "PATCH /": 0,
    "DELETE /": 0,
    "GET /account": 7,
    "POST /account/delete": 12,
    "POST /account/password": 12,
    "POST /account/profile": 6,
    "GET /account/second-factor": 2,
    "POST /account/second-factor": 2,
    "POST /account/sessions": 5,
    f"POST /account/sessions/{SESSION}": 6,
    "POST /account/tokens": 12,
    f"POST /account/tokens/{TOKEN}": 5,
    "GET /collection": 12,
    f"GET /collection/{KEPT}": 8,
    f"GET /collection/{KEPT}/still": 3,
    f"POST /collection/{KEPT}/share": 7,
    "GET /collection/clean-up": 7,
    "POST /collection/clean-up": 5,
    "GET /favourites": 2,
    f"POST /favourites/{KEPT}": 7,
    f"POST /favourites/{PUBLIC}": 7,
    "GET /public": 6,
    f"GET /public/{KEPT}": 1,
    f"POST /public/{KEPT}/like": 4,
    f"GET /public/{KEPT}/still": 1,
    f"GET /public/{PUBLIC}/still": 2,
    f"GET /public/{PUBLIC}": 6,
    f"POST /public/{PUBLIC}/like": 5,
    f"GET /shared/{LINK}": 2,
    f"GET /shared/{LINK}/still": 2,
    f"GET /collection/{KEPT}/edit": 6,
    f"POST /collection/{KEPT}/edit": 4,
    "GET /forgotten": 0,
    "POST /forgotten": 3,
    "GET /reset/MQ/none": 1,
    "POST /reset/MQ/none": 1,
    "POST /look": 0,
    "GET /login": 0,
    "POST /login": 10,
    "POST /logout": 6,
    "GET /register": 0,
    "POST /register": 12,
    "GET /studio": 7,
    "POST /studio": 10,
    "POST /studio/songs": 7,
    f"GET /studio/songs/{OWN_SONG}": 3,
    f"POST /studio/songs/{OWN_SONG}": 5,
    f"POST /studio/songs/{OWN_SONG}/delete": 5,
    f"GET /studio/{TASK}": 6,
    f"POST /studio/{TASK}/again": 4,
    f"POST /studio/{TASK}/keep": 11,
    "GET /auth/login/": 0,
    "POST /auth/login/": 10,
    "POST /auth/logout/": 6,
    "GET /auth/profile/": 2,
    "POST /auth/profile/": 6,
    "GET /auth/register/": 0,
    "POST /auth/register/": 12,
    "GET /collections/": 2,
    "POST /collections/save/": 9,
    "GET /collections/stats/": 3,
    f"GET /collections/{KEPT}/": 3,
    f"GET /collections/{KEPT}/delete/": 3,
    f"POST /collections/{KEPT}/delete/": 6,
    f"GET /collections/{KEPT}/edit/": 3,
    f"POST /collections/{KEPT}/edit/": 3,
    "POST /create/": 11,
    "GET /select-song/": 0,
    f"GET /task/{TASK}/": 4,
    f"POST /task/{TASK}/cancel/": 12,
    f"DELETE /task/{TASK}/cancel/": 12,
    "GET /tasks/": 4,
    f"GET /video/{VIDEO}/": 2,
}


def asked(client: Client, method: str, address: str) -> list[str]:
    """Send a request, and let it do what it does after its commit; take it back and return its queries."""
    key = client.cookies["sessionid"].value
    asking = Client() if address in OF_VISITORS else client
    with transaction.atomic():
        with CaptureQueriesContext(connection) as captured, TestCase.captureOnCommitCallbacks(execute=True):
            send(asking, method, address)
        transaction.set_rollback(True)
    client.cookies["sessionid"] = key
    return [query["sql"] for query in captured if not CONTROL.match(query["sql"])]


def counted(client: Client) -> dict[str, int]:
    return {
        f"{method} {address}": len(asked(client, method, address))
        for address, methods in DECLARED.items()
        for method in methods
    }


def wrong(found: dict[str, int]) -> list[str]:
    """Return what is not listed, is listed wrongly, or takes too many."""
    old = BY_OLD_ID if settings.SCHEMA_PHASE == 2 else set()
    listed = {name: number + (name in old) for name, number in QUERIES.items()}
    told = [
        f"{name} takes {number} queries, {listed.get(name, 'none')} listed"
        for name, number in found.items()
        if listed.get(name) != number
    ]
    told += [f"{name} is listed and is not there" for name in QUERIES if name not in found]
    allowed = {name: number for number, names in MORE.items() for name in names}
    if "POST /api/collections" in old:
        allowed["POST /api/collections"] = 13
    return told + [
        f"{name} takes more than {MOST}" for name, number in found.items() if number > allowed.get(name, MOST)
    ]


@pytest.fixture
def browser(house, media_root: Path) -> Client:
    client = browser_of("owner")
    client.get("/api/auth/me")  # notes that the session was seen
    return client


def test_every_address__takes_the_queries_that_are_listed_and_no_more_than_12(browser):
    assert wrong(counted(browser)) == []


def test_planted__address_that_is_not_listed__is_noticed(monkeypatch):
    monkeypatch.delitem(QUERIES, "GET /api/songs")
    assert wrong({"GET /api/songs": 4}) == [
        "GET /api/songs takes 4 queries, none listed",
        *(f"{name} is listed and is not there" for name in QUERIES),
    ]


def test_planted__one_query_more__is_noticed(browser, monkeypatch):
    def looked_up_again(user: User) -> dict[str, object]:
        return preferences_of(User.objects.get(pk=user.pk))

    address = "/api/auth/me/preferences"
    before = len(asked(browser, "GET", address))
    monkeypatch.setattr("apps.authentication.api.preferences_of", looked_up_again)
    assert len(asked(browser, "GET", address)) == before + 1
    assert f"GET {address} takes {before + 1} queries, {before} listed" in wrong({f"GET {address}": before + 1})


def test_planted__more_than_12_listed_or_not__are_noticed(monkeypatch):
    monkeypatch.setitem(QUERIES, "GET /api/songs", MOST + 1)
    assert "GET /api/songs takes more than 12" in wrong({"GET /api/songs": MOST + 1})
    deletion = "POST /api/auth/me/delete"
    assert not [line for line in wrong({deletion: 18}) if "more than" in line]
    assert f"{deletion} takes more than 12" in wrong({deletion: 19})

"""The page of one's own account: the same services as the API, for people."""

import re
from html import unescape

import pytest
from django.core.cache import cache
from django.test import Client

from apps.authentication.models import User
from apps.open_sessions.models import OpenSession
from apps.tokens.models import PersonalToken
from apps.tokens.services import issue_token
from tests.test_failed_logins import by_api
from web.templatetags.devices import device


def text(answer) -> str:
    return unescape(answer.content.decode())


@pytest.fixture
def page(ana) -> Client:
    client = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:1) Gecko Firefox/1"})
    assert by_api(client, "ana", "secreto").status_code == 200
    return client


def test_page__shows_sessions_tokens_and_events_and_no_second_factor_to_dancers(page, ana):
    issue_token(user=ana, name="backup script", scopes=["read"])
    shown = text(page.get("/account"))
    for words in ("Firefox on Linux", "this session", "backup script", "Valid until", "Logged in", "Token made"):
        assert words in shown
    assert "Second factor" not in shown
    assert page.get("/account")["Cache-Control"].count("no-store")


def test_page__is_reached_from_every_page_and_from_the_originals_address(page):
    assert 'href="/auth/profile/"' in text(page.get("/studio"))
    assert page.get("/auth/profile/")["Location"] == "/account#profile"


@pytest.mark.parametrize("address", ["/account/profile", "/auth/profile/"])
def test_profile__is_changed_by_our_form_and_the_originals(page, address):
    User.objects.update(preferences={"theme": "dark"})
    assert page.post(address, {"display_name": "Anita"})["Location"] == "/account"
    assert User.objects.values_list("display_name", "preferences").get() == (
        "Anita",
        {"theme": "dark", "auto_save_choreographies": False},
    )
    page.post(address, {"display_name": "Anita", "auto_save_choreographies": "on"})
    assert User.objects.get().preferences["auto_save_choreographies"] is True
    assert "Your profile is saved." in text(page.get("/account"))


def test_profile__without_a_name__says_so(page):
    answer = page.post("/account/profile", {"display_name": ""})
    assert (answer.status_code, "This field may not be blank." in text(answer)) == (400, True)


def test_password__is_changed_and_other_browsers_are_out(page):
    other = Client()
    by_api(other, "ana", "secreto")
    answer = page.post("/account/password", {"old_password": "secreto", "new_password": "bailamos"}, follow=True)
    assert "Your password is changed." in text(answer)
    assert (other.get("/studio").status_code, page.get("/studio").status_code) == (302, 200)


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"old_password": "wrong-one", "new_password": "bailamos"}, 400, "Is wrong."),
        ({"old_password": "secreto", "new_password": "password"}, 400, "known from data breaches"),
        ({"old_password": "secreto", "new_password": "12345"}, 400, "at least 6 characters"),
    ],
)
def test_password__wrong__says_so_and_shows_none(page, sent, status, words):
    answer = page.post("/account/password", sent)
    assert (answer.status_code, words in text(answer)) == (status, True)
    assert not {"bailamos", "wrong-one", "12345"} & set(text(answer).replace('"', " ").split())


def test_password__too_many_guesses__says_so(page):
    sent = {"old_password": "wrong-one", "new_password": "bailamos"}
    answers = [page.post("/account/password", sent) for _ in range(6)]
    assert (answers[-1].status_code, "Try again in 15 minutes" in text(answers[-1])) == (429, True)
    assert int(answers[-1]["Retry-After"]) > 0


def test_sessions__one_and_all_others_are_ended(page):
    others = [Client() for _ in range(3)]
    for other in others:
        by_api(other, "ana", "secreto")
    first = OpenSession.objects.order_by("id")[1]
    assert page.post(f"/account/sessions/{first.pk}").status_code == 302
    assert [other.get("/studio").status_code for other in others] == [302, 200, 200]
    page.post("/account/sessions")
    assert [other.get("/studio").status_code for other in others] == [302] * 3
    assert page.get("/studio").status_code == 200


def test_token__is_made_shown_once_and_ended(page):
    answer = page.post("/account/tokens", {"name": "x", "scopes": ["read", "songs:write"], "days": "30"})
    (secret,) = {
        word for word in text(answer).replace("<", " ").replace(">", " ").split() if word.startswith("compas_")
    } - {PersonalToken.objects.get().prefix + "…"}
    assert Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/auth/me").status_code == 200
    assert secret not in text(page.get("/account"))
    page.post(f"/account/tokens/{PersonalToken.objects.get().pk}")
    assert not PersonalToken.objects.exists()


@pytest.mark.parametrize("days", ["0", "-1", "366", "9999", "abc", "1.5", "9" * 20])
def test_token__days_that_cannot_be__are_refused_in_words(page, days):
    answer = page.post("/account/tokens", {"name": "x", "scopes": ["read"], "days": days})
    assert (answer.status_code, "Give a whole number of days from 1 to 365." in text(answer)) == (400, True)
    assert not PersonalToken.objects.exists()


@pytest.mark.parametrize(("days", "made"), [("", 90), ("1", 1), ("365", 365)])
def test_token__days_that_can_be__count_from_now(page, days, made):
    assert page.post("/account/tokens", {"name": "x", "scopes": ["read"], "days": days}).status_code == 200
    token = PersonalToken.objects.get()
    assert round((token.expires_at - token.created_at).total_seconds() / 86400) == made


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("/account/tokens", {"name": "x", "scopes": "read"}),
        ("/account/password", {"old_password": "wrong"}),
        ("/account/delete", {"password": "wrong"}),
        ("/account/delete", {"password": "secreto"}),
        ("/studio/songs", {}),
    ],
)
def test_look__chosen_on_a_page_that_answers_a_form__shows_a_page_again(page, address, sent):
    answer = page.post(address, sent)
    (here,) = re.findall(r'name="next" value="([^"]*)">\s*<div', text(answer))
    changed = page.post("/look", {"next": here, "language": "es"}, follow=True)
    assert (changed.status_code, changed["Content-Language"]) == (200, "es")


def test_token__without_name_or_scope__says_so(page):
    shown = text(page.post("/account/tokens", {"days": "30"}))
    assert "Choose at least one." in shown
    assert "This field may not be blank." in shown


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/1 Safari/1 Edg/1", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17 like Mac OS X) Safari/1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/1 Safari/1", "Chrome on Android"),
        ("curl/8", "curl/8"),
        ("", "Unknown device"),
        ("<script>" * 9, "<script>" * 5),
    ],
)
def test_device__is_said_in_few_words(agent, words):
    assert device(agent) == words


def test_device__that_is_markup__is_shown_as_text(ana):
    client = Client(headers={"User-Agent": "<b>x</b>"})
    by_api(client, "ana", "secreto")
    cache.clear()
    assert "<b>x</b>" not in client.get("/account").content.decode()

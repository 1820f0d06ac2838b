"""A forgotten password, and the end of an account."""

import json
import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.authentication import resets
from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.events.models import AccountEvent
from apps.generation.services import start_generation
from apps.jobs.models import Job
from apps.logins import limits
from apps.media.owners import record_made
from apps.sharing import counting
from apps.sharing.likes import like
from apps.sharing.models import Share
from apps.tokens.scopes import SCOPES
from apps.tokens.services import issue_token
from config.refusals import WithoutLinks
from tests.conftest import make_user
from tests.sharing import shared

SENT = "a letter with a link is on its way"


def ask(email: str, client: Client | None = None, **headers: str) -> str:
    answer = (client or Client()).post("/forgotten", {"email": email}, headers=headers)
    resets._post.submit(lambda: None).result()  # those before it are sent
    assert answer.status_code == 200
    return answer.content.decode()


def link_in(letter: mail.EmailMessage) -> str:
    return re.search(r"http://testserver(/reset/\S+)", letter.body)[1]


def test_forgotten__an_account__gets_a_letter_and_its_link_sets_a_password_once(ana, api):
    token = issue_token(user=ana, name="x", scopes=["read"])[1]
    assert SENT in ask("ANA@example.com ")
    (letter,) = mail.outbox
    assert (letter.to, "ana" in letter.body) == (["ana@example.com"], True)
    link, visitor = link_in(letter), Client()
    shown = visitor.get(link)
    assert (shown.status_code, shown["Cache-Control"], shown["Referrer-Policy"]) == (
        200,
        "private, no-store",
        "strict-origin",
    )
    short = visitor.post(link, {"new_password": "123"})
    assert (short.status_code, "at least 6 characters" in short.content.decode()) == (400, True)
    done = visitor.post(link, {"new_password": "bailamos"}, follow=True)
    assert ("Log in with it." in done.content.decode(), done.redirect_chain) == (True, [("/login", 302)])
    # Not logged in by it, and what was made with the old password has ended.
    assert visitor.get("/studio").status_code == 302
    assert api.get("/studio").status_code == 302
    assert Client().get("/api/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert visitor.post("/login", {"login": "ana", "password": "bailamos"})["Location"] == "/studio"
    again = Client().post(link, {"new_password": "otra-vez"})
    assert (again.status_code, "This link is over" in again.content.decode()) == (404, True)
    kinds = list(AccountEvent.objects.filter(user=ana).values_list("kind", flat=True))
    assert {"reset-asked", "password-changed"} <= set(kinds)


def test_forgotten__of_no_account__is_the_same_answer_and_no_letter(ana):
    def plain(page: str) -> str:
        return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", page)

    known, unknown = ask("ana@example.com"), ask("nobody@example.com")
    assert plain(known) == plain(unknown)
    User.objects.update(is_active=False)
    ask("ana@example.com")
    assert len(mail.outbox) == 1


def test_forgotten__of_no_account__costs_the_same(ana):
    """As many statements: a letter is written for everyone, and what is sent is sent after the answer."""
    counts = []
    for email in ("ana@example.com", "nobody@example.com"):
        with CaptureQueriesContext(connection) as asked:
            Client().post("/forgotten", {"email": email})
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_forgotten__emails_that_differ_in_case__each_get_a_link_of_their_own(ana):
    other = make_user("anna", email="Ana@Example.com")
    ask("ana@example.com")
    assert sorted(letter.to[0] for letter in mail.outbox) == ["Ana@example.com", "ana@example.com"]
    assert len({link_in(letter) for letter in mail.outbox}) == 2
    assert "anna" in next(letter.body for letter in mail.outbox if letter.to == [other.email])


def test_link__stands_in_no_log(ana, caplog):
    ask("ana@example.com")
    link = link_in(mail.outbox[0])
    assert Client().post(link, {"new_password": "123"}).status_code == 400
    record = logging.LogRecord(
        "gunicorn.access", logging.INFO, "", 1, "%(r)s %(f)s", ({"r": f"POST {link} HTTP/1.1", "f": link},), None
    )
    lines = [one.getMessage() for one in (*caplog.records, record) if WithoutLinks().filter(one)]
    token = link.rpartition("/")[2]
    assert any("/reset/" in line and "\N{HORIZONTAL ELLIPSIS}" in line for line in lines)
    assert not [line for line in lines if token in line]


def test_forgotten__what_is_typed__never_gets_into_a_letter(ana):
    for typed in ("ana@example.com\nBcc: eve@example.com", "ana@example.com, eve@example.com", "eve@example.com\0"):
        assert Client().post("/forgotten", {"email": typed}).status_code == 400, typed
    # As the original lets a name be written.
    User.objects.update(display_name="Ana\nBcc: eve@example.com")
    ask("ana@example.com")
    (letter,) = mail.outbox
    assert letter.recipients() == ["ana@example.com"]
    assert set(letter.message().keys()) & {"Bcc", "Cc"} == set()


def test_forgotten__speaks_the_language_of_the_page(ana):
    ask("ana@example.com", **{"Accept-Language": "es"})
    assert mail.outbox[0].subject == "Una contraseña nueva para Compás"


def test_forgotten__too_often__is_refused_for_known_and_unknown_alike(ana):
    for email in ("ana@example.com", "nobody@example.com"):
        for _ in range(limits.MAX_LETTERS):
            ask(email)
        answer = Client().post("/forgotten", {"email": email.upper()})
        assert (answer.status_code, "Try again in an hour" in answer.content.decode()) == (429, True)
        assert int(answer["Retry-After"]) > 3000
    assert len(mail.outbox) == limits.MAX_LETTERS


def test_forgotten__server_of_mail_is_away__answers_the_same_and_logs_it(ana, settings, caplog):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert SENT in ask("ana@example.com")
    assert "could not be sent" in caplog.text


@pytest.mark.parametrize("link", ["/reset/MQ/none", "/reset/!!/x", "/reset/OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5/x"])
def test_reset__link_that_is_none__says_so(ana, link):
    answer = Client().get(link)
    assert (answer.status_code, "This link is over" in answer.content.decode()) == (404, True)


@pytest.mark.parametrize("is_known", [False, True])
def test_reset__after_failed_logins__is_followed_by_a_login(ana, is_known):
    browser = Client()
    if is_known:
        assert browser.post("/login", {"login": "ana", "password": "secreto"}).status_code == 302
        browser.post("/logout")
    for _ in range(limits.MAX_FAILURES + 1):
        refused = browser.post("/login", {"login": "ana", "password": "forgotten"})
    assert refused.status_code == 429
    ask("ana@example.com", browser)
    assert browser.post(link_in(mail.outbox[0]), {"new_password": "remembered"}).status_code == 302
    assert browser.post("/login", {"login": "ana", "password": "remembered"}).status_code == 302


def test_reset__after_its_hour__is_over(ana, monkeypatch):
    ask("ana@example.com")
    assert Client().get(link_in(mail.outbox[0])).status_code == 200
    now = resets.tokens._now()
    monkeypatch.setattr(resets.tokens, "_now", lambda: now + timedelta(seconds=resets.LIFE_S + 2))
    assert Client().get(link_in(mail.outbox[0])).status_code == 404


def test_account__is_deleted_with_all_that_is_its_own_and_nothing_of_others(own_database, media_root: Path):
    ana, ben = make_user("ana"), make_user("ben")
    (media_root / "songs").mkdir()
    (media_root / "songs" / "s.mp3").write_bytes(b"")
    his, hers = shared(ben), shared(ana)
    like(user=ana, choreography_id=his.pk)
    extra = media_root / "output" / f"user_{ana.pk}" / "not-kept.mp4"
    extra.write_bytes(b"x")
    record_made(f"output/user_{ana.pk}/not-kept.mp4", user_id=ana.pk)
    live = start_generation(user=ana, song="s.mp3", difficulty="beginner")
    browser, other = Client(), Client()
    for client in (browser, other):
        client.force_login(ana)
    wrong = browser.post("/account/delete", {"password": "wrong-one"})
    assert (wrong.status_code, User.objects.filter(pk=ana.pk).exists()) == (400, True)
    done = browser.post("/account/delete", {"password": "secreto"})
    assert "Your account is deleted" in done.content.decode()
    assert list(User.objects.all()) == [ben]
    assert list(SavedChoreography.objects.all()) == [his.choreography]
    assert not ChoreographyTask.objects.exists()
    assert not Job.objects.filter(pk=live.pk).exists()
    assert not Share.objects.filter(pk=hers.pk).exists()
    counting.sweep()
    assert Share.objects.get(pk=his.pk).likes == 0
    assert [file.name for file in sorted((media_root / "output").rglob("*.mp4"))] == ["n.mp4"]
    assert (media_root / "songs" / "s.mp3").exists()
    assert [client.get("/studio").status_code for client in (browser, other)] == [302, 302]
    assert AccountEvent.objects.filter(kind="account-deleted", account="ana", user=None).count() == 1


def test_account__of_the_staff__is_left_to_the_staff(api, ana):
    User.objects.update(is_staff=True)
    answer = api.post("/account/delete", {"password": "secreto"})
    assert (answer.status_code, "by an administrator" in answer.content.decode()) == (409, True)
    assert User.objects.exists()


def test_strangers__who_fail__lock_no_owner_out(ana):
    """Failures lock an account for their address alone; others never lock a browser that the owner has used."""
    own, stranger = Client(REMOTE_ADDR="192.0.2.1"), Client(REMOTE_ADDR="192.0.2.9")
    for _ in range(limits.MAX_FAILURES + 3):
        stranger.post("/login", {"login": "ana", "password": "wrong-one"})
    assert stranger.post("/login", {"login": "ana", "password": "secreto"}).status_code == 429
    assert own.post("/login", {"login": "ana", "password": "secreto"}).status_code == 302
    own.post("/logout")
    for number in range(limits.MAX_OF_ACCOUNT + 5):
        Client(REMOTE_ADDR=f"198.51.100.{number}").post("/login", {"login": "ana", "password": "wrong-one"})
    assert own.post("/login", {"login": "ana", "password": "secreto"}).status_code == 302


JSON = "application/json"


def post(address: str, body: dict[str, object], client: Client | None = None, **headers: str):
    return (client or Client()).post(address, json.dumps(body), content_type=JSON, headers=headers)


def parts_of(link: str) -> dict[str, str]:
    return dict(zip(("user_key", "token"), link.split("/")[-2:], strict=True))


def test_api__forgotten__link_in_the_letter_sets_a_password_once(ana, api):
    token = issue_token(user=ana, name="x", scopes=["read"])[1]
    assert post("/api/auth/reset", {"email": "ANA@example.com"}).status_code == 204
    resets._post.submit(lambda: None).result()
    parts = parts_of(link_in(mail.outbox[0]))
    short = post("/api/auth/reset/password", parts | {"new_password": "123"})
    assert (short.status_code, list(short.json()["errors"])) == (400, ["new_password"])
    done = post("/api/auth/reset/password", parts | {"new_password": "bailamos"})
    assert (done.status_code, done.cookies) == (204, {})
    assert api.get("/api/auth/me").status_code == 401
    assert Client().get("/api/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert post("/api/auth/login", {"login": "ana", "password": "bailamos"}).status_code == 200
    again = post("/api/auth/reset/password", parts | {"new_password": "otra-vez"})
    assert (again.status_code, again.json()["type"]) == (404, "urn:compas:problem:reset-over")
    assert not User.objects.get().check_password("otra-vez")


def test_api__forgotten__of_no_account__answers_the_same_and_costs_the_same(ana):
    answers = []
    for email in ("ana@example.com", "unknown@example.com"):
        with CaptureQueriesContext(connection) as asked:
            answer = post("/api/auth/reset", {"email": email})
        answers.append((answer.status_code, answer.content, len(asked)))
    resets._post.submit(lambda: None).result()
    assert answers[0] == answers[1]
    assert [letter.to for letter in mail.outbox] == [["ana@example.com"]]


def test_api__forgotten__is_counted_with_the_page(ana):
    for _ in range(limits.MAX_LETTERS):
        ask("ana@example.com")
    answer = post("/api/auth/reset", {"email": "ana@example.com"})
    assert (answer.status_code, int(answer["Retry-After"]) > 3000) == (429, True)
    assert answer["Content-Type"] == "application/problem+json"
    assert len(mail.outbox) == limits.MAX_LETTERS


@pytest.mark.parametrize(
    ("address", "body", "wrong"),
    [
        ("/api/auth/reset", {}, ["email"]),
        ("/api/auth/reset", {"email": "no e-mail"}, ["email"]),
        ("/api/auth/reset", {"email": "a@example.com", "link": "https://evil.example"}, ["link"]),
        ("/api/auth/reset/password", {"user_key": "MQ", "token": "x"}, ["new_password"]),
    ],
)
def test_api__forgotten__wrong_input__is_named(ana, address, body, wrong):
    answer = post(address, body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, wrong)


@pytest.mark.parametrize("user_key", ["MQ", "!!", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_api__link_that_is_none__is_over(ana, user_key):
    answer = post("/api/auth/reset/password", {"user_key": user_key, "token": "x", "new_password": "bailamos"})
    assert (answer.status_code, answer.json()["detail"]) == (404, resets.OVER)


def test_api__account__is_deleted_with_the_password_alone(ana, ben, api):
    other = Client()
    other.force_login(ana)
    refused = post("/api/auth/me/delete", {"password": "wrong-one"}, api)
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:compas:problem:wrong-password")
    assert User.objects.filter(pk=ana.pk).exists()
    done = post("/api/auth/me/delete", {"password": "secreto"}, api)
    assert (done.status_code, done.content) == (204, b"")
    assert list(User.objects.all()) == [ben]
    assert [client.get("/api/auth/me").status_code for client in (api, other)] == [401, 401]


def test_api__account__guesses_of_the_password_are_counted_with_log_ins(ana, api):
    for _ in range(limits.MAX_FAILURES):
        assert post("/api/auth/me/delete", {"password": "wrong-one"}, api).status_code == 400
    locked = post("/api/auth/me/delete", {"password": "secreto"}, api)
    assert (locked.status_code, int(locked["Retry-After"]) > 0) == (429, True)
    assert post("/api/auth/login", {"login": "ana", "password": "secreto"}).status_code == 429
    assert User.objects.exists()


def test_api__account__with_a_token_or_another_sites_form__stays(ana):
    token = issue_token(user=ana, name="x", scopes=list(SCOPES))[1]
    refused = post("/api/auth/me/delete", {"password": "secreto"}, Authorization=f"Bearer {token}")
    assert (refused.status_code, "No token" in refused.json()["detail"]) == (403, True)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)
    assert post("/api/auth/me/delete", {"password": "secreto"}, strict).status_code == 403
    assert User.objects.exists()


def test_api__account_of_the_staff__is_left_to_the_staff(ana, api):
    User.objects.update(is_staff=True)
    answer = post("/api/auth/me/delete", {"password": "secreto"}, api)
    assert (answer.status_code, "by an administrator" in answer.json()["detail"]) == (409, True)
    assert User.objects.exists()

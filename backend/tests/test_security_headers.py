"""Every answer carries the headers: pages, errors, refusals of Django itself, static files, media, API."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), midi=(), "
    "display-capture=(), browsing-topics=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
ANSWERS = [
    ("/login", 200),
    ("/health", 200),
    ("/studio", 302),
    ("/nowhere", 404),
    ("/logout", 405),
    ("/api/nowhere", 404),
    ("/api/auth/me", 401),
    ("/api/schema", 200),
    ("/admin/login/", 200),
    ("/static/web/compas.css", 200),
    ("/static/admin/css/base.css", 200),
    ("/static/nowhere.css", 404),
]


def test_answers__carry_every_header(db):
    for path, status in ANSWERS:
        answer = Client().get(path)
        assert (path, answer.status_code) == (path, status)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
        b"".join(answer)  # a static file is closed when it was read


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "testserver:80@evil.example", "a_b c"])
def test_unknown_host__is_refused_and_the_page_carries_every_header(db, host):
    answer = Client(headers={"Host": host}).get("/login")
    assert answer.status_code == 400
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "evil" not in answer.content.decode()


def test_forwarded_host__is_not_believed(db):
    answer = Client(headers={"X-Forwarded-Host": "evil.example"}).get("/api/schema")
    assert "evil" not in answer.content.decode() + str(answer.headers)


def test_fault__carries_every_header(db, monkeypatch):
    monkeypatch.setattr("apps.monitoring.health.connection", None)
    answer = Client(raise_request_exception=False).get("/health")
    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_video__carries_every_header(api, ana, media_root):
    film = media_root / "output" / f"user_{ana.pk}" / "t.mp4"
    film.parent.mkdir(parents=True)
    film.write_bytes(b"moving pictures")
    answer = api.get("/video/t.mp4/")
    assert b"".join(answer.streaming_content) == b"moving pictures"
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/api/auth/me", "/api/collections", "/api/auth/tokens"])
def test_answer_of_the_api__is_kept_by_no_cache_between_and_asked_for_each_time(api, path):
    answer = api.get(path)
    assert answer["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(answer["Vary"].split(", "))


@pytest.mark.parametrize("path", ["/tasks/", "/studio", "/account", "/studio/none", "/api/songs/none"])
def test_answer__for_one_user__is_kept_by_no_cache(api, path):
    assert api.get(path)["Cache-Control"] == "private, no-store"


def test_static_files__may_be_kept(db):
    answer = Client().get("/static/web/compas.css")
    assert "max-age" in answer["Cache-Control"]
    b"".join(answer)


@pytest.mark.parametrize("door", ["/logout", "/auth/logout/", "/api/auth/logout"])
def test_logout__by_every_door__empties_the_browser(api, door):
    assert api.post(door)["Clear-Site-Data"] == '"cache", "storage"'


def test_session_that_is_over__empties_the_browser_and_one_that_goes_on_does_not(api):
    assert "Clear-Site-Data" not in api.get("/api/auth/me").headers
    Session.objects.all().delete()
    assert api.get("/api/auth/me")["Clear-Site-Data"] == '"cache", "storage"'


def test_cookies__cross_no_site_and_only_the_one_for_forms_is_read_by_scripts(ana):
    browser = Client()
    browser.get("/login")
    browser.post("/login", {"login": "ana", "password": "secreto"})
    told = {name: (cookie["samesite"], bool(cookie["httponly"])) for name, cookie in browser.cookies.items()}
    assert told == {"csrftoken": ("Lax", False), "sessionid": ("Lax", True), "device": ("Lax", True)}

"""TLS by one variable: secure cookies, HSTS, the redirect, and the move to names that only this host can set."""

import os
import subprocess
import sys

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from apps.logins.devices import PLAIN_COOKIE
from config.cookies import MARK
from tests.test_settings import BACKEND, REQUIRED, load

BEHIND_A_FRONT = {"TRUSTED_PROXIES": "1", "ALLOWED_HOSTS": "compas.example", "SECRET_KEY": "k9" * 12 + "Zp3-q_7" * 6}


@pytest.fixture
def own_names(settings) -> None:
    """The settings of TLS=own, as far as they are about cookies."""
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    settings.DEVICE_COOKIE_NAME = "__Host-device"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True


def deploy_check(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=BACKEND,
        env={**os.environ, **REQUIRED, **BEHIND_A_FRONT, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("tls", ["shared", "own"])
@pytest.mark.thinned(to_one_in=2)
def test_check_deploy__production_settings__has_no_warning(tls):
    done = deploy_check(TLS=tls)
    assert (done.returncode, "no issues (2 silenced)" in done.stdout) == (0, True), done.stderr


def test_check_deploy__without_tls__warns():
    done = deploy_check(TLS="off")
    assert done.returncode == 1
    assert {code for code in ("W004", "W008", "W012", "W016") if f"security.{code}" in done.stderr} == {
        "W004",
        "W008",
        "W012",
        "W016",
    }


SHOWN = (
    "*[getattr(settings, name, None) for name in "
    "('SESSION_COOKIE_NAME', 'CSRF_COOKIE_NAME', 'DEVICE_COOKIE_NAME', 'SESSION_COOKIE_SECURE', 'SECURE_HSTS_SECONDS')]"
)


@pytest.mark.parametrize(
    ("tls", "shown"),
    [
        ("off", "None None device None None"),
        # None: Django's own names, which the original has.
        ("shared", "None None __Host-device True 3600"),
        ("own", "__Host-sessionid __Host-csrftoken __Host-device True 31536000"),
    ],
)
def test_tls__decides_names_and_hsts(tls, shown):
    assert load(REQUIRED | BEHIND_A_FRONT | {"TLS": tls}, SHOWN).stdout == f"{shown}\n"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"TLS": "on", "TRUSTED_PROXIES": "1"}, "TLS is 'on'; it must be 'off', 'shared' or 'own'."),
        ({"TLS": "own"}, "TLS is 'own' and TRUSTED_PROXIES is 0; a front must end TLS, and be counted as a proxy."),
        ({"X_ACCEL_MEDIA": "media"}, "X_ACCEL_MEDIA is 'media'; it must be like /protected-media/."),
        (
            {"X_ACCEL_MEDIA": "/m/", "STORAGE": "gcs", "GS_BUCKET_NAME": "b"},
            "X_ACCEL_MEDIA is '/m/' and STORAGE is 'gcs'; a front can send only files of a directory.",
        ),
    ],
)
def test_settings__that_cannot_be_meant__stop_the_start(environment, message):
    done = load(REQUIRED | environment)
    assert (done.returncode, message in done.stderr) == (1, True), done.stderr


@pytest.fixture
def behind_tls(settings) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^(api/)?(health|ready)$"]
    settings.SECURE_HSTS_SECONDS = 3600


def test_plain_http__is_sent_to_https_and_a_balancer_still_asks_for_health(db, behind_tls):
    assert Client().get("/login?a=1")["Location"] == "https://testserver/login?a=1"
    assert [Client().get(path).status_code for path in ("/health", "/api/health")] == [200, 200]
    answer = Client(headers={"X-Forwarded-Proto": "https"}).get("/login")
    assert (answer.status_code, answer["Strict-Transport-Security"]) == (200, "max-age=3600")


def logged_in_under_the_shared_names() -> Client:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/login")
    token = browser.cookies["csrftoken"].value
    form = {"login": "ana", "password": "secreto", "csrfmiddlewaretoken": token}
    assert browser.post("/login", form).status_code == 302
    return browser


def test_own__moves_a_browser_once_and_keeps_it_logged_in(ana, request):
    browser = logged_in_under_the_shared_names()
    device = browser.cookies[PLAIN_COOKIE].value
    session, token = browser.cookies["sessionid"].value, browser.cookies["csrftoken"].value
    request.getfixturevalue("own_names")
    answer = browser.get("/studio")
    assert answer.status_code == 200
    moved = browser.cookies["__Host-sessionid"]
    assert (moved.value, moved["secure"], moved["httponly"], moved["path"], moved["domain"]) == (
        session,
        True,
        True,
        "/",
        "",
    )
    assert browser.cookies["__Host-csrftoken"]["secure"]
    assert (browser.cookies["sessionid"].value, browser.cookies["csrftoken"].value) == ("", "")
    assert browser.cookies[PLAIN_COOKIE].value == device
    # A form that was open during the change still works; afterwards the new names alone are enough.
    del browser.cookies["sessionid"], browser.cookies["csrftoken"]
    assert browser.get("/studio").status_code == 200
    assert browser.post("/logout", {"csrfmiddlewaretoken": token}).status_code == 302
    assert Session.objects.count() == 0


def test_own__session_that_began_under_its_own_name__is_not_taken_from_the_shared_one(ana, own_names):
    own = Client()
    own.post("/login", {"login": "ana", "password": "secreto"})
    assert "sessionid" not in own.cookies
    victim = Client()
    victim.cookies["sessionid"] = own.cookies["__Host-sessionid"].value
    answer = victim.get("/studio")
    assert (answer.status_code, "__Host-sessionid" in victim.cookies) == (302, False)


def test_own__session_that_was_moved_before__is_not_moved_again(ana, request):
    browser = logged_in_under_the_shared_names()
    request.getfixturevalue("own_names")
    shared = browser.cookies["sessionid"].value
    browser.get("/studio")
    late = Client()
    late.cookies["sessionid"] = shared
    # A request of the same moment is answered as the first one was.
    assert late.get("/studio").status_code == 200
    session = Client()
    stored = Session.objects.get(session_key=shared)
    data = stored.get_decoded()
    data[MARK] -= 61
    stored.session_data = Session.objects.encode(data)
    stored.save()
    session.cookies["sessionid"] = shared
    assert session.get("/studio").status_code == 302


def test_own__session_that_ended__is_no_login(db, own_names):
    browser = Client()
    browser.cookies["sessionid"] = "a" * 32
    answer = browser.get("/studio")
    assert (answer.status_code, browser.cookies["sessionid"].value) == (302, "")


def test_device__plain_name_of_the_time_before_tls__is_still_known(ana, request):
    browser = logged_in_under_the_shared_names()
    plain = browser.cookies[PLAIN_COOKIE].value
    request.getfixturevalue("own_names")
    again = Client()
    again.cookies[PLAIN_COOKIE] = plain
    for _ in range(3):
        again.post("/login", {"login": "ana", "password": "wrong"})
    again.post("/login", {"login": "ana", "password": "secreto"})
    assert again.cookies["__Host-device"].value.split(":")[0] == plain.split(":")[0]

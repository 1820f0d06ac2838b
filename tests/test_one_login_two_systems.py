"""Who logs in on one system is logged in on the other."""

import psycopg

from tests.people import PASSWORD, Browser, share_cookies, shell

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


def sessions(systems) -> int:
    with psycopg.connect(systems.database.url("owner")) as connection:
        return connection.execute("SELECT count(*) FROM django_session").fetchone()[0]


def is_logged_in(client) -> bool:
    """Ask either system: the backend's API, or a page that the original shows to users only."""
    answer = client.get("/api/auth/me")
    if answer.status_code == 404:
        answer = client.get("/auth/profile/")
    return answer.status_code == 200


def log_in_on_original(browser: Browser, name: str) -> None:
    browser.original.get("/auth/login/")
    answer = browser.post(browser.original, "/auth/login/", data={"username": name, "password": PASSWORD})
    assert answer.status_code == 302, answer.text


def test_login_on_the_backend__is_a_login_on_the_original__with_the_same_row(dancer: Browser, systems):
    assert is_logged_in(dancer.backend)
    before = sessions(systems)
    assert is_logged_in(dancer.original)
    assert sessions(systems) == before
    assert dancer.original.cookies["sessionid"] == dancer.backend.cookies["sessionid"]


def test_login_on_the_original__is_a_login_on_the_backend__by_email_too(dancer: Browser, visitor, systems):
    for name in (dancer.name, f"{dancer.name}@example.org".upper()):
        dancer.original.cookies.clear()
        dancer.backend.cookies.clear()
        assert not is_logged_in(dancer.backend)
        log_in_on_original(dancer, name)
        share_cookies(dancer.original, dancer.backend)
        assert dancer.backend.get("/api/auth/me").json()["username"] == dancer.name


def test_login__on_either_system__writes_the_same_authentication_backend(dancer: Browser, systems):
    """Anything else in the row would make the user anonymous on the other system."""
    on_backend = dancer.backend.cookies["sessionid"]
    dancer.original.cookies.clear()
    log_in_on_original(dancer, dancer.name)
    on_original = dancer.original.cookies["sessionid"]
    for reader in ("original", "backend"):
        for key in (on_backend, on_original):
            assert session_backend(systems, reader, key) == MODEL_BACKEND


def test_login__through_another_authentication_backend__is_none_on_the_other_system(dancer: Browser, systems):
    """The negative control: what both systems must agree on really decides."""
    key = dancer.backend.cookies["sessionid"]
    run_in(systems, "backend", f"s=S('{key}'); s['_auth_user_backend']='elsewhere.Backend'; s.save()")
    assert not is_logged_in(dancer.original)
    assert not is_logged_in(dancer.backend)


def test_logout_on_one__is_a_logout_on_the_other(dancer: Browser, systems):
    assert dancer.post(dancer.backend, "/api/auth/logout").status_code in {200, 204}
    assert not is_logged_in(dancer.original)


def test_session_of_the_original__is_listed_by_the_backend_and_ended_for_both(dancer: Browser, visitor, systems):
    here = dict(dancer.backend.cookies)
    dancer.original.cookies.clear()
    log_in_on_original(dancer, dancer.name)
    listed = dancer.backend.get("/api/auth/sessions").json()["results"]
    (theirs,) = [session for session in listed if not session["current"]]
    assert (theirs["begun_here"], theirs["last_seen_at"]) == (False, None)
    assert is_logged_in(dancer.original)
    token = {"X-CSRFToken": here["csrftoken"], "Referer": str(dancer.backend.base_url)}
    assert dancer.backend.delete(f"/api/auth/sessions/{theirs['id']}", headers=token).status_code == 204
    assert not is_logged_in(dancer.original)
    assert is_logged_in(dancer.backend)


def session_backend(systems, reader: str, key: str) -> str:
    return run_in(systems, reader, f"print(S('{key}')['_auth_user_backend'])").strip()


def run_in(systems, system: str, code: str) -> str:
    return shell(systems, system, f"from django.contrib.sessions.backends.db import SessionStore as S; {code}")

"""Small guards of pages, accounts and secrets that no other module tests."""

import ast
import inspect
import math
import re
from pathlib import Path

import pytest
from django.conf import settings as read_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core import signing
from django.test import Client, RequestFactory

from apps.authentication.models import User
from apps.logins.devices import KNOWN_FOR_S, device_of, remember_device
from apps.second_factor import codes
from apps.tokens.services import issue_token

BACKEND = Path(__file__).resolve().parent.parent
SOURCES = [path for path in BACKEND.rglob("*.py") if "tests" not in path.relative_to(BACKEND).parts]
LONG = "contraseña larga " * 6  # 102 characters
# Not random enough for a secret, and hashes that are broken.
WEAK = {"random", "md5"}


def weak_names(source: str) -> set[str]:
    """Return which of the weak modules and functions a module names."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return names & WEAK


def test_sources__no_weak_chance_and_no_broken_hash():
    assert len(SOURCES) > 100
    assert {str(path): found for path in SOURCES if (found := weak_names(path.read_text()))} == {}


@pytest.mark.parametrize("planted", ["import random", "from random import choice", "import hashlib; hashlib.md5(b'')"])
def test_sources__weak_ones_planted__are_found(planted):
    assert weak_names(planted)


def test_recovery_codes__have_more_than_40_random_bits():
    made = codes.new_recovery_codes()
    alphabet = codes._ALPHABET
    assert len(set(made)) == codes.RECOVERY_CODES
    assert all(set(code) <= set(alphabet) for code in made)
    assert len(made[0]) * math.log2(len(alphabet)) > 40


def test_password__long__is_taken_to_its_last_character(db):
    facts = {"username": "ana", "email": "ana@example.com", "display_name": "Ana", "password": LONG}
    assert Client().post("/api/auth/register", facts, "application/json").status_code == 201
    for typed, status in ((LONG[:-1], 401), (LONG.upper(), 401), (LONG, 200)):
        form = {"login": "ana", "password": typed}
        assert Client().post("/api/auth/login", form, "application/json").status_code == status


@pytest.mark.parametrize(("path", "fields"), [("/login", 1), ("/register", 1), ("/account", 3)])
def test_password_fields__hide_what_is_typed_and_take_what_a_manager_fills_in(api, db, path, fields):
    page = (api if path == "/account" else Client()).get(path).content.decode()
    found = re.findall(r"<input[^>]*password[^>]*>", page)
    assert len(found) == fields
    assert all('type="password"' in one and re.search(r'autocomplete="(current|new)-password"', one) for one in found)
    assert "onpaste" not in page


def test_logout__is_on_every_page(api):
    for path in ("/studio", "/collection", "/account"):
        assert re.search(r'<form[^>]*action="/auth/logout/"', api.get(path).content.decode()), path


def test_account_that_is_switched_off__its_sessions_end(api, ana):
    assert api.get("/api/auth/me").status_code == 200
    User.objects.filter(pk=ana.pk).update(is_active=False)
    assert api.get("/api/auth/me").status_code == 401


def test_adopted_database__has_no_account(db):
    assert not User.objects.exists()


def test_device__marked_too_long_ago__is_unknown(monkeypatch, ana):
    request = RequestFactory().get("/")
    remember_device(request, ana.pk)
    later = RequestFactory().get("/")
    later.COOKIES[read_settings.DEVICE_COOKIE_NAME] = request.known_device
    assert device_of(later, ana.pk)
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + KNOWN_FOR_S + 1)
    assert device_of(later, ana.pk) is None


def test_secret_in_the_address__is_no_login(ana):
    _, secret = issue_token(user=ana, name="a program", scopes=["read"])
    for name in ("token", "access_token", "authorization"):
        assert Client().get("/api/auth/me", {name: secret}).status_code == 400
        assert Client().get("/account", {name: secret}).status_code == 302


@pytest.mark.parametrize(
    "path",
    [
        "/.git/config",
        "/static/.git/config",
        "/static/..%2f..%2fmanage.py",
        "/config/settings.py",
        "/static/",
        "/media/",
    ],
)
def test_files_of_the_checkout_and_lists_of_folders__are_not_served(db, path):
    assert Client().get(path).status_code == 404


def test_trace__is_refused(db):
    for path in ("/login", "/studio", "/api/auth/me", "/health"):
        answer = Client().generic("TRACE", path, headers={"X-Secret": "compas_abc"})
        assert answer.status_code in {302, 401, 405}, path
        assert "compas_abc" not in answer.content.decode()


def test_scripts__store_nothing_in_the_browser_and_take_no_messages():
    files = [*BACKEND.glob("web/static/web/*.js"), *BACKEND.glob("web/templates/web/*.html")]
    assert len(files) > 10
    wanted = (
        r"localStorage|sessionStorage|indexedDB|document\.cookie|postMessage|innerHTML\s*=|eval\(|hx-push-url|hx-boost"
    )
    # What was typed when the session was over stays in its tab for an hour: no password, no file, nothing hidden.
    network = (BACKEND / "web/static/web/network.js").read_text()
    assert '!["password", "file", "hidden", "submit", "button"].includes(field.type)' in network
    assert network.count("sessionStorage.") == 4
    # A log-in in another tab gives every form another token.
    assert len(re.findall(wanted, network)) == 5
    assert "csrftoken=(\\w+)/.exec(document.cookie)" in network
    assert [path.name for path in files if path.name != "network.js" and re.search(wanted, path.read_text())] == []
    assert '"historyCacheSize": 0' in (BACKEND / "web/templates/web/base.html").read_text()  # htmx would keep pages


def test_keys_of_sessions__have_more_than_128_random_bits(api, ana):
    key = api.cookies[read_settings.SESSION_COOKIE_NAME].value
    assert re.fullmatch("[a-z0-9]{32}", key)
    assert len(key) * math.log2(36) > 128


def test_passwords__are_hashed_as_slowly_as_is_advised():
    """600,000 rounds of PBKDF2 with SHA-256. The tests themselves take fewer, so the source is read."""
    assert read_settings.PASSWORD_HASHERS[0] == "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    found = re.search(r"iterations = ([\d_]+)", inspect.getsource(PBKDF2PasswordHasher))
    assert int(found[1]) >= 600_000
    assert "sha256" in inspect.getsource(PBKDF2PasswordHasher)


def test_device__signed_for_another_purpose__is_unknown(ana):
    request = RequestFactory().get("/")
    for salt, known in (("apps.logins.devices", True), ("another.purpose", False)):
        request.COOKIES[read_settings.DEVICE_COOKIE_NAME] = signing.dumps([ana.pk, "a"], salt=salt)
        assert bool(device_of(request, ana.pk)) is known


def test_address__fills_in_nothing_of_the_body(ana):
    for address in ("/api/auth/login?login=ana&password=secreto", "/login?login=ana&password=secreto"):
        browser = Client()
        browser.post(address, {"login": "ana", "password": "wrong"}, content_type="application/json")
        assert browser.get("/api/auth/me").status_code == 401

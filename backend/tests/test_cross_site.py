"""Writes from pages of other sites are refused at every address, and no address leads a browser to another site."""

import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import IntConverter
from django.urls.resolvers import RegexPattern

from web import account

ID = "00000000-0000-4000-8000-000000000000"
EXAMPLES = {"choreography_id": ID, "pk": ID, "token_id": ID, "task_id": "t", "name": "t.mp4", "app_label": "users"}
# Without a session there is no token: these read JSON alone, which another site's form cannot send.
FORM = "application/x-www-form-urlencoded"
OF_VISITORS = {"/api/auth/login", "/api/auth/register", "/api/auth/reset", "/api/auth/reset/password"}
ELSEWHERE = [
    "https://evil.example",
    "HTTPS://evil.example/",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "\x00//evil.example",
    "http:evil.example",
    "http:///evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "//testserver@evil.example",
    "http://testserver.evil.example",
    "http://testserver:80@evil.example",
    "//evil.example%2f@testserver",
    "http://[::1",
]


def every_address(patterns: list[URLPattern | URLResolver], before: str = "/") -> list[str]:
    """Return an address of every route, with examples for its parameters."""
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += every_address(pattern.url_patterns, before + filled(pattern.pattern))
        else:
            found.append(before + filled(pattern.pattern))
    return sorted(set(found))


def filled(pattern: object) -> str:
    """Return what this part of an address looks like."""
    if isinstance(pattern, RegexPattern):
        text = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: EXAMPLES.get(found[1], "x"), pattern.regex.pattern)
        return text.removeprefix("^").removesuffix("$")
    text = str(pattern)
    for name, converter in pattern.converters.items():
        example = "1" if isinstance(converter, IntConverter) else EXAMPLES.get(name, "1")
        text = re.sub(rf"<[^<>]*\b{name}>", example, text)
    return text


ROUTES = every_address(get_resolver().url_patterns)


def test_routes__are_found():
    assert not [route for route in ROUTES if set(route) & set("()?^*<>")]
    wanted = {"/logout", "/studio/t/keep", f"/collections/{ID}/delete/", "/api/songs", "/admin/logout/"}
    assert wanted | {"/task/t/cancel/", "/admin/users/user/1/change/"} <= set(ROUTES)


def accepted_without_token(browser: Client, routes: list[str]) -> list[str]:
    """Return the writes with a cookie and without the CSRF token that were not refused."""
    wrong = []
    for route in routes:
        for method, kind in (
            ("POST", FORM),
            ("POST", "application/json"),
            ("PUT", FORM),
            ("PATCH", FORM),
            ("DELETE", FORM),
        ):
            status = browser.generic(method, route, b"{}", content_type=kind).status_code
            # 405: the address knows no such method.
            refused = {403, 405}
            if route in OF_VISITORS:
                refused = {405, 415} if kind == FORM else {400}
            if status not in refused:
                wrong.append(f"{method} {route} {kind}: {status}")
    return wrong


def test_write_without_the_token__is_refused_at_every_route(ana):
    """A new route that is exempt from the check fails here."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana)
    assert accepted_without_token(browser, ROUTES) == []


def test_write_without_the_token__where_a_view_is_exempt__is_found(ana, monkeypatch):
    monkeypatch.setattr(account.log_out, "csrf_exempt", True, raising=False)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ana)
    assert accepted_without_token(browser, ["/logout"])[0] == f"POST /logout {FORM}: 302"


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}], ids=str
)
def test_write_of_another_site__is_refused_at_every_route(db, headers):
    stranger = Client(headers=headers)
    wrong = []
    for route in ROUTES:
        answer = stranger.post(route, b"{}", content_type="application/json")
        if answer.status_code != 403 or "This came from a page of another site." not in answer.content.decode():
            wrong.append(f"{route}: {answer.status_code}")
    assert wrong == []


def test_write_of_our_own_page__goes_on(ana):
    login = {"login": "ana", "password": "secreto"}
    for headers in ({"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}):
        answer = Client().post("/api/auth/login", login, content_type="application/json", headers=headers)
        assert answer.status_code == 200


def test_htmx_request__without_the_token__is_refused(ana):
    browser = Client(enforce_csrf_checks=True, headers={"HX-Request": "true"})
    browser.force_login(ana)
    assert browser.post("/studio/songs").status_code == 403


@pytest.mark.parametrize(
    ("page", "name"), [("/login", "login"), ("/auth/login/", "username"), ("/admin/login/", "username")]
)
def test_login__next_of_another_site__leads_to_our_own_page(ana, page, name):
    ana.is_staff = True
    ana.save()
    led_to = set()
    for elsewhere in ELSEWHERE:
        answer = Client().post(page, {name: "ana", "password": "secreto", "next": elsewhere})
        led_to.add((answer.status_code, answer.headers.get("Location")))
    assert led_to <= {(302, "/studio"), (302, "/admin/")}


def test_login__next_of_our_own__is_where_it_leads(ana):
    for ours in ("/collection", "http://testserver/collection"):
        assert Client().post("/login", {"login": "ana", "password": "secreto", "next": ours})["Location"] == ours


@pytest.mark.parametrize(
    "path", ["//evil.example/studio", "/\\evil.example", "//evil.example/..", "/studio?next=//evil.example"]
)
def test_redirect__of_a_path_that_looks_like_a_host__stays_here(db, path):
    answer = Client().get(path)
    location = answer.headers.get("Location", "/")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))

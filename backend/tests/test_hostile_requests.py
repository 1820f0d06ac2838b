"""Headers, cookies and numbers that no browser sends are refused or ignored; none is a fault of the service."""

import pytest
from django.test import Client

ADDRESSES = ("/health", "/login", "/studio", "/api/auth/me", "/api/songs", "/tasks/", "/admin/")
HEADERS = [
    # A quoted cookie may name any byte: this is a NUL.
    {"Cookie": r'sessionid="aaaaaaaaaaaa\000"'},
    {"Cookie": r'sessionid="aaaaaaaaaaaa\377"; csrftoken="\000"; messages="\000"; device="\000"'},
    {"HX-Request": "true", "HX-Current-URL": "http://[::1"},
    {"HX-Request": "true", "HX-Current-URL": "http://testserver:port/x"},
    {"HX-Request": "true", "HX-Current-URL-URI-AutoEncoded": "true", "HX-Current-URL": "%00%ff"},
    {"Authorization": "Bearer \xff"},
    {"Authorization": "Bearer"},
    {"Referer": "http://[::1", "Origin": "http://[::1"},
    {"Range": "bytes=-" + "9" * 5000, "If-Range": "\xff"},
    {"If-Modified-Since": "9" * 5000, "If-None-Match": "\xff"},
    {"Content-Type": "application/json; charset=none"},
    {"Content-Type": "multipart/form-data; boundary=\xff"},
    {"Accept": "\xff", "Accept-Language": "9" * 5000},
    {"X-Forwarded-For": "::ffff:1.2.3.4%0, \xff", "User-Agent": "\xff\x00\x1b[31m"},
    {"Idempotency-Key": "\xff" * 300},
]


@pytest.mark.parametrize("headers", HEADERS, ids=" ".join)
def test_header__any__is_no_fault(api, headers):
    for client in (Client(), api):
        cookies = client.cookies.output(header="", sep=";") if "Cookie" not in headers else ""
        for address in ADDRESSES:
            for method in ("GET", "POST"):
                sent = headers | ({"Cookie": cookies} if cookies else {})
                kind = sent.get("Content-Type", "application/json")
                assert client.generic(method, address, "{}", kind, headers=sent).status_code < 500, (method, address)


def test_session_cookie__with_a_nul__is_no_session(api):
    key = api.cookies["sessionid"].value
    answer = Client().get("/api/auth/me", headers={"Cookie": rf'sessionid="{key}\000"'})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("days", "status"),
    [("9" * 5000, 400), ("999999", 400), ("-1", 400), ("0x10", 400), ("²", 400), ("٣٠", 200), ("", 200)],
)
def test_token_of_so_many_days__any_text__is_no_fault(api, days, status):
    answer = api.post("/account/tokens", {"name": "x", "scopes": ["read"], "days": days})
    assert answer.status_code == status


def test_htmx_page__that_names_another_site__leads_back_to_ours(db):
    sent = {"HX-Request": "true", "HX-Current-URL": "https://evil.example/studio"}
    assert Client().get("/studio", headers=sent)["HX-Redirect"] == "/login?next=/"

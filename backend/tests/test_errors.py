"""Every error of the API is a problem document (RFC 9457)."""

import os

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import Client, RequestFactory

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.tokens.models import PersonalToken
from config import problems
from tests.test_access import DECLARED, METHODS, browser_of, house

__all__ = ["house"]

JSON = "application/json"
MULTIPART = "multipart/form-data; boundary=x"
BODIES = {
    "nothing": (b"", JSON),
    "no JSON": (b"{nope", JSON),
    "no UTF-8": (b'{"a": "\xff"}', JSON),
    "NaN": (b'{"duration": NaN}', JSON),
    "a list": (b"[]", JSON),
    "null": (b"null", JSON),
    "a number": (b"7", JSON),
    "a text": (b'"x"', JSON),
    "nested": (b"[" * 100_000, JSON),
    "many digits": (b"9" * 10_000, JSON),
    "half a surrogate": (b'{"title": "\\ud800", "display_name": "\\ud800", "name": "\\ud800"}', JSON),
    "a NUL": (b'{"title": "\\u0000", "display_name": "\\u0000", "task_id": "\\u0000", "song": "\\u0000"}', JSON),
    "wrong kinds": (b'{"title": [], "difficulty": {}, "scopes": {}, "song": 1, "login": [], "task_id": {}}', JSON),
    "another kind": (b"<x/>", "application/xml"),
    "no kind": (b"x", ""),
    "a form": (b"a=b", "application/x-www-form-urlencoded"),
    "no multipart": (b"x", MULTIPART),
    "a file that is none": (b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--x--\r\n', MULTIPART),
    "multipart without end": (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n',
        MULTIPART,
    ),
    "no boundary": (b"x", "multipart/form-data"),
}
# The methods with a body. An address that knows the method gets all bodies; in the long run all do, with every method.
WITH_A_BODY = {"POST", "PUT", "PATCH", "DELETE"}
FEW = {name: BODIES[name] for name in ("nothing", "no JSON")}
FULL = os.environ.get("COMPAS_FULL") == "1"
ADDRESSES = [address for address in DECLARED if address.startswith("/api/")]
# Each odd request goes to every third address; in the long run to all.
THINNED = ADDRESSES if FULL else ADDRESSES[::3]


def assert_problem(answer: HttpResponse, context: object = None) -> None:
    assert answer["Content-Type"] == "application/problem+json", (context, answer.content)
    body = answer.json()
    assert {"type", "title", "status", "detail"} <= set(body), context
    assert body["status"] == answer.status_code, context
    assert body["type"] == "about:blank" or body["type"].startswith("urn:compas:problem:"), context
    assert isinstance(body["detail"], str) and body["detail"], context  # noqa: PT018 - one sentence


def check(client: Client, address: str, method: str, **request: object) -> None:
    answer = client.generic(method, address, **request)
    context = (method, address, request)
    if answer.streaming:
        answer.getvalue()
    if answer.status_code >= 400:
        assert_problem(answer, context)
    unready = address.startswith("/api/ready") and answer.status_code == 503
    assert answer.status_code < 500 or unready, context


@pytest.mark.parametrize("address", THINNED)
@pytest.mark.thinned(to_one_in=5)
def test_any_method_and_body__is_answered_or_a_problem(house, address):
    client = browser_of("owner")
    for method in (*METHODS, "OPTIONS", "TRACE", "BREW"):
        read = method in WITH_A_BODY and method in DECLARED[address]
        bodies = BODIES if FULL or read else FEW
        for name, (body, kind) in bodies.items():
            check(client, address, method, data=body, content_type=kind)
            if not User.objects.filter(username="ana", display_name="Ana").exists():
                pytest.fail(f"{name} changed the account")
        client.force_login(User.objects.get(username="ana"))  # after a logout
    assert PersonalToken.objects.count() == (0 if "/tokens/" in address else 1)
    assert SavedChoreography.objects.filter(user__username="ana").count() <= 1


HEADERS = (
    {"Authorization": "Bearer x"},
    {"Accept": "text/html"},
    {"Accept": "nonsense"},
    {"Accept": "application/json; version=7"},
    {"Range": "bytes=9-1"},
)


@pytest.mark.parametrize("address", THINNED)
@pytest.mark.thinned(to_one_in=5)
def test_any_header__is_answered_or_a_problem(house, address):
    for headers in HEADERS:
        for method in ("GET", "POST"):
            check(browser_of("owner"), address, method, data=b"{}", content_type=JSON, headers=headers)


def test_any_query__is_answered_or_a_problem(house):
    client = browser_of("owner")
    for address in THINNED:
        for query in (
            "cursor=x",
            "page_size=-1",
            "sort=%00",
            "search=%00",
            "difficulty=x",
            "tempo_min=x",
            "%ff=%ff",
            "a",
        ):
            check(client, f"{address}?{query}", "GET")


@pytest.mark.parametrize("path", ["x", "auth", "auth/tokens/x", "collections/1", "songs/%00", "moves/%ff", "%00", "💃"])
def test_any_other_address__is_a_problem(house, path):
    answer = browser_of("owner").get(f"/api/{path}")
    assert answer.status_code == 404
    assert_problem(answer)


def test_unknown_host__is_a_problem_under_api_and_a_page_elsewhere(db):
    answer = Client().get("/api/auth/me", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert_problem(answer)
    page = Client().get("/studio", headers={"Host": "evil.example"})
    assert (page.status_code, page["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_form_with_too_many_fields__is_a_problem(house, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    answer = browser_of("owner").post("/api/songs", {"a": 1, "b": 2, "c": 3})
    assert answer.status_code == 400
    assert_problem(answer)


@pytest.mark.parametrize(("path", "kind"), [("/api/x", "application/problem+json"), ("/x", "text/html; charset=utf-8")])
def test_forbidden__is_a_problem_under_api_and_a_page_elsewhere(db, path, kind):
    request = RequestFactory().get(path)
    answer = problems.forbidden(request, PermissionDenied())
    assert (answer.status_code, answer["Content-Type"]) == (403, kind)

"""What the API does not know it refuses, by name; and a text of a user is one line."""

import json
import re

import pytest
from django.test import Client
from django.urls import resolve

from config.documentation import _below
from config.inputs import Input
from config.queries import declared
from config.texts import PATTERN, PATTERN_OR_EMPTY
from tests.openapi import document
from tests.test_access import DECLARED, KEPT, SONG, browser_of, house
from tests.test_mass_assignment import WRITES

__all__ = ["house"]

WITH_FIELDS = [(address, method, sent) for address, method, sent, _ in WRITES if address.startswith("/api/") and sent]
PROBLEM = "application/problem+json"


@pytest.mark.parametrize(("address", "method", "sent"), WITH_FIELDS, ids=[f"{m} {a}" for a, m, _ in WITH_FIELDS])
def test_unknown_field__is_refused_by_its_name(house, address, method, sent):
    client = browser_of("owner")
    answer = client.generic(
        method, address, json.dumps(sent | {"titel": 1, "\ud800": 2}), content_type="application/json"
    )
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert answer.json()["type"] == "urn:compas:problem:invalid"
    assert set(answer.json()["errors"]) == {"?", "titel"}
    assert answer.json()["errors"]["titel"] == ["There is no such field here."]


def test_every_body_of_the_document__is_closed_and_an_input(db):
    schemas = document()["components"]["schemas"]
    bodies = {
        content["schema"]["$ref"].rpartition("/")[2]
        for methods in document()["paths"].values()
        for operation in methods.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if "$ref" in content["schema"]
    }
    bodies.remove("ChangePreferencesBody")  # any name is one of a user's preferences
    assert len(bodies) >= 8
    assert [name for name in bodies if schemas[name].get("additionalProperties") is not False] == []
    assert len(list(_below(Input))) >= len(bodies)


@pytest.mark.parametrize("address", [a for a in DECLARED if a.startswith("/api/") and hasattr(resolve(a).func, "cls")])
@pytest.mark.thinned(to_one_in=4)
def test_unknown_parameter__is_refused_by_its_name(house, address):
    for method in DECLARED[address]:
        answer = browser_of("owner").generic(method, f"{address}?srot=title&page_siez=3&page_siez=4")
        assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM), method
        assert set(answer.json()["errors"]) == {"page_siez", "srot"}
        assert answer.json()["errors"]["srot"] == ["There is no such parameter here."]


def test_known_parameters__are_those_of_the_document(db):
    for path, methods in document()["paths"].items():
        kind = next(
            resolve(address).func.cls
            for address in DECLARED
            if address.startswith("/api/") and f"/{resolve(address).route}" == as_route(path, address)
        )
        for method, operation in methods.items():
            told = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
            assert declared(kind, method.upper()) == told, (path, method)


def as_route(path: str, address: str) -> str:
    """Return the route of an address if it is of this path of the document; else another text."""
    route = f"/{resolve(address).route}"
    parts, wanted = route.split("/"), path.split("/")
    same = len(parts) == len(wanted) and all(b.startswith("{") or a == b for a, b in zip(parts, wanted, strict=True))
    return route if same and route.count("<") == path.count("{") else ""


@pytest.mark.parametrize("address", ["/select-song/", "/collections/", "/studio", "/public", "/api/health"])
def test_pages_and_the_originals_addresses__take_any_parameter(house, address):
    assert browser_of("owner").get(f"{address}?utm_source=x").status_code in {200, 302}


@pytest.mark.parametrize(
    "bad",
    [
        *("a\nb", "a\tb", "a\x00b", "a\x1bb", "a\x7fb", "a\x85b", "a\u2028b", "a\u202eb", "a\u2066b"),
        *("\u200b", "\u200d\u200d", "\ufeff", "\u2800 \u3164", "\u00ad\ufe0f"),
    ],
    ids=ascii,
)
def test_text__with_a_control_character_or_nothing_that_is_seen__is_refused(house, bad):
    client = browser_of("owner")
    for address, body in (
        (f"/api/collections/{KEPT}", {"title": bad}),
        (f"/api/collections/{KEPT}", {"tags": ["sol", bad]}),
        ("/api/auth/me", {"display_name": bad}),
    ):
        answer = client.patch(address, body, content_type="application/json")
        assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM), (address, body)
        assert next(iter(answer.json()["errors"])) in {"title", "tags.1", "display_name"}
    page = client.post(f"/collection/{KEPT}/edit", {"title": bad, "difficulty": "beginner"})
    assert page.status_code != 302, "the form of the page has the same rule"


@pytest.mark.parametrize("good", ["Sólo tú", "👩‍👩‍👧 bailan", "שלום", "नमस्ते", "می‌خواهم", "e\u0301"])
def test_text_of_any_language__is_taken(house, good):
    client = browser_of("owner")
    answer = client.patch(f"/api/collections/{KEPT}", {"title": good}, content_type="application/json")
    assert (answer.status_code, answer.json()["title"]) == (200, good)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/problem+json", 200),
        ("application/problem+json, application/json;q=0.5", 200),
        ("application/json; indent=4", 200),
        ("application/problem+xml", 406),
        ("text/html", 406),
    ],
)
def test_accept__of_problems__is_answered_with_json(house, accept, status):
    answer = browser_of("owner").get("/api/auth/me", headers={"Accept": accept})
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json" if status == 200 else PROBLEM)
    assert b"\n" not in answer.content
    missing = browser_of("owner").get("/api/moves/none", headers={"Accept": accept})
    assert (missing.status_code, missing["Content-Type"]) == (404 if status == 200 else 406, PROBLEM)


@pytest.mark.parametrize(
    ("address", "body", "wrong"),
    [
        (f"/api/collections/{KEPT}", {"title": 5}, "title"),
        (f"/api/collections/{KEPT}", {"tags": ["sol", 5]}, "tags.1"),
        ("/api/auth/me", {"display_name": True}, "display_name"),
        (f"/api/collections/{KEPT}/share", {"shows_name": "true"}, "shows_name"),
        (f"/api/collections/{KEPT}/share", {"shows_name": 1}, "shows_name"),
    ],
)
def test_json_of_another_type__is_refused(house, address, body, wrong):
    answer = browser_of("owner").patch(address, body, content_type="application/json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [wrong])


@pytest.mark.parametrize("seed", ["5", True, 1.5])
def test_number__is_one_of_json(house, seed):
    wishes = {"song": SONG, "difficulty": "beginner", "seed": seed}
    answer = browser_of("owner").post("/api/choreography/generate", wishes, content_type="application/json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["seed"])


@pytest.mark.parametrize("address", ["/api/collections", "/api/public"])
def test_sort__that_is_empty__is_no_sort(house, address):
    answer = browser_of("owner").get(f"{address}?sort=")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["sort"])


def test_body_in_chunks__is_refused_with_411(db):
    answer = Client().generic("POST", "/api/auth/login", b"", HTTP_TRANSFER_ENCODING="chunked")
    assert (answer.status_code, answer["Content-Type"]) == (411, PROBLEM)


@pytest.mark.parametrize(
    ("text", "as_something", "or_empty"),
    [
        ("Sólo tú", True, True),
        ("می‌خواهم", True, True),
        ("", False, True),
        ("  ", False, True),
        ("\u200b", False, False),
        ("\u2800", False, False),
        ("a\nb", False, False),
    ],
    ids=ascii,
)
def test_pattern__of_the_description__says_what_the_fields_take(house, text, as_something, or_empty):
    client = browser_of("owner")
    for field, pattern, expected in (("title", PATTERN, as_something), ("category", PATTERN_OR_EMPTY, or_empty)):
        answer = client.patch(f"/api/collections/{KEPT}", {field: text}, content_type="application/json")
        assert (answer.status_code, bool(re.search(pattern, text))) == (200 if expected else 400, expected), field

"""What the OpenAPI document says of every address: names, errors, headers, examples."""

import re
from typing import Any

from rest_framework.renderers import JSONRenderer

from config.documentation import rendered_once
from tests.openapi import document


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    found = [(path, method, one) for path, methods in document()["paths"].items() for method, one in methods.items()]
    assert len(found) > 40
    return found


def test_errors__are_problems_and_nothing_else(db):
    for path, method, operation in operations():
        errors = {status: one for status, one in operation["responses"].items() if status >= "400"}
        assert {"400", "406", "414", "431", "500", "503"} <= set(errors), (path, method)
        for status, answer in errors.items():
            assert list(answer["content"]) == ["application/problem+json"], (path, method, status)
            assert answer["description"].endswith("."), (path, method, status)
        if operation.get("security", [{}]) != [{}]:
            assert {"401", "403"} <= set(errors), (path, method)
            assert "WWW-Authenticate" in errors["401"]["headers"]


def test_names_of_operations__are_plain_and_unique(db):
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", name)] == []
    assert [name for name in names if re.search(r"_(retrieve|partial_update|destroy|create)\b", name)] == []
    assert {"login", "generate", "get_task", "list_tasks", "cancel_task", "list_songs", "create_song"} <= set(names)
    assert {"create_choreography", "change_choreography", "get_choreography_video", "list_labels"} <= set(names)


def test_headers__that_clients_act_on__are_declared(db):
    for path, method, operation in operations():
        for status, name in (("201", "Location"), ("202", "Location"), ("429", "Retry-After"), ("503", "Retry-After")):
            if answer := operation["responses"].get(status):
                assert name in answer["headers"], (path, method, status)


def test_json_of_any_kind__may_be_null_in_one_way_alone(db):
    """Said twice, as "anything, or null", it would be of two kinds of which it may be one."""
    schemas = document()["components"]["schemas"]
    told = [one for schema in schemas.values() for one in schema.get("properties", {}).values()]
    assert [one for one in told if {} in one.get("oneOf", ())] == []
    assert schemas["ChoreographyOut"]["properties"]["music_info"] == {"readOnly": True}


def test_states_of_a_task__that_refuse_it__are_declared(db):
    """A task may have no video yet, or be cancelled, at every address that takes one."""
    answers = {operation["operationId"]: set(operation["responses"]) for _, _, operation in operations()}
    for name in ("get_task_video", "create_task_video_link", "swap_move", "create_choreography", "get_task_captions"):
        assert {"404", "409", "410"} <= answers[name], name


def test_document__names_a_server_and_shows_a_problem(db):
    assert document()["servers"] == [{"url": "/", "description": "the server that this document comes from"}]
    assert document()["info"]["title"].isascii(), "generated clients are called so"
    problem = document()["components"]["schemas"]["Problem"]
    assert set(problem["required"]) == {"type", "title", "status", "detail"}


def test_document__is_rendered_once_in_a_process():
    rendered = []

    class Counted(JSONRenderer):
        def render(self, data: Any, *_: object, **__: object) -> bytes:
            rendered.append(data["openapi"])
            return b"{}"

    kind = rendered_once(Counted)
    assert [kind().render({}, "application/json", {}) for _ in range(2)] == [b"{}"] * 2
    assert rendered == ["3.1.0"]

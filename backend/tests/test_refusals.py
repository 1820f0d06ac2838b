"""Each refusal is one line of the log, with account and address and without a secret."""

import json
import logging

import pytest
from django.test import Client

from tests.test_tokens import program


def refusals(caplog) -> list[dict[str, object]]:
    return [json.loads(line.getMessage()) for line in caplog.records if line.name == "config.refusals"]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/api/choreography/tasks/none", "", 404),
        ("/video/of-another.mp4/", "?token=compas_abc", 404),
        ("/api/choreography/tasks/none", "?token=compas_abc", 400),
    ],
)
def test_refusal__of_a_member__names_account_and_address_and_no_query(api, ana, caplog, path, query, status):
    assert api.get(path + query, REMOTE_ADDR="203.0.113.7").status_code == status
    user = None if status == 400 else ana.pk  # refused before it is asked who it is
    line = {"refused": status, "method": "GET", "path": path, "user": user, "address": "203.0.113.7"}
    assert refusals(caplog) == [line]


def test_refusal__of_a_token_without_the_scope__names_its_owner(ana, caplog):
    assert program(ana, "read").post("/api/choreography/generate", {}).status_code == 403
    assert [(line["refused"], line["user"]) for line in refusals(caplog)] == [(403, ana.pk)]


def test_refusal__of_a_visitor__has_no_account_and_costs_no_query(db, caplog, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Client().get("/api/auth/me").status_code == 401
    assert [(line["refused"], line["user"]) for line in refusals(caplog)] == [(401, None)]


def test_refusal__of_django_itself__is_logged(db, caplog):
    assert Client(headers={"Host": "evil.example"}).get("/login").status_code == 400
    assert [line["refused"] for line in refusals(caplog)] == [400]


def test_refusal__path_with_a_line_break__stays_one_line(db, caplog):
    Client().get("/nowhere%0aERROR%20invented")
    assert [line["path"] for line in refusals(caplog)] == ["/nowhere\nERROR invented"]
    assert "\n" not in "".join(line.getMessage() for line in caplog.records)


def test_answer__that_is_no_refusal__has_no_line(api, caplog):
    with caplog.at_level(logging.INFO):
        assert api.get("/api/auth/me").status_code == 200
    assert refusals(caplog) == []


def test_refusal__of_the_admin_site__names_the_member(api, ana, caplog):
    assert api.get("/admin/users/user/", follow=True).status_code == 200  # its log-in page
    assert [(line["refused"], line["path"], line["user"]) for line in refusals(caplog)] == [
        (403, "/admin/login/", ana.pk)
    ]

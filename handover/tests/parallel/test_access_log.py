# ruff: noqa: E501 - a case is read best on one line

from contextlib import ExitStack

import pytest

from handover.config.parallel import AccessLog
from handover.http_client import own_mark
from handover.journal.own_requests import OwnRequests
from handover.parallel.access_log import OWN, PEOPLE, LoggedRequest, Tail, parse

COMMON = AccessLog(path="access.log")
FIELDS = {"method": "req.method", "path": "req.url", "status": "code"}
JSON = AccessLog(path="access.log", format="json", fields=FIELDS)
HOST = "10.0.0.7 - ana [24/Nov/2026:13:00:00 +0000]"


@pytest.mark.parametrize(
    ("line", "log", "request_"),
    [
        (f'{HOST} "GET /tasks/?page=2 HTTP/1.1" 200 512', COMMON, LoggedRequest("GET", "/tasks/?page=2", 200)),
        (f'{HOST} "POST /create/ HTTP/1.1" 502 0 "http://a/" "Mozilla \\"x\\""', COMMON, LoggedRequest("POST", "/create/", 502)),
        (f'{HOST} "\\x16\\x03" 400 0', COMMON, LoggedRequest("\\x16\\x03", "", 400)),
        (f'{HOST} "GET / HTTP/1.1" - 0', COMMON, None),
        ("nonsense", COMMON, None),
        ('{"req": {"method": "GET", "url": "/"}, "code": 200}', JSON, LoggedRequest("GET", "/", 200)),
        ('{"req": {"method": "GET"}, "code": 200}', JSON, None),
        ("[1]", JSON, None),
    ],
)  # fmt: skip
def test_parse__line_of_a_log__is_its_request_or_none(line, log, request_):
    assert parse(line, log) == request_


@pytest.fixture
def follow():
    """Give what makes a Tail, which is closed at the end."""
    with ExitStack() as stack:

        def tail(*arguments):
            made = Tail(*arguments)
            stack.callback(made.close)
            return made

        yield tail


def counts(tail, metric=PEOPLE):
    return [(s.value, s.ok, s.reason) for s in tail.samples() if s.metric == metric]


def test_tail__log_grows__counts_only_what_is_new_and_whole(tmp_path, follow):
    path = tmp_path / "access.log"
    path.write_text(f'{HOST} "GET /old HTTP/1.1" 500 0\n')
    tail = follow("backend", COMMON, tmp_path)
    with path.open("a") as file:
        file.write(f'{HOST} "GET / HTTP/1.1" 200 1\n{HOST} "GET / HTTP/1.1" 503 1\n{HOST} "GET /half')
    assert counts(tail) == [(1, True, ""), (1, False, "1 answers were 5xx")]
    with path.open("a") as file:
        file.write(' HTTP/1.1" 200 1\n')
    assert counts(tail) == [(1, True, "")]
    assert counts(tail) == [(0, True, "")]


def test_tail__log_is_rotated__the_new_one_is_read_from_its_start(tmp_path, follow):
    path = tmp_path / "access.log"
    path.write_text(f'{HOST} "GET /old HTTP/1.1" 500 0\n' * 3)
    tail = follow("backend", COMMON, tmp_path)
    path.rename(tmp_path / "access.log.1")
    path.write_text(f'{HOST} "GET / HTTP/1.1" 200 1\n')
    assert counts(tail) == [(1, True, "")]


def test_tail__lines_of_another_format__are_no_data(tmp_path, follow):
    tail = follow("backend", JSON, tmp_path)
    (tmp_path / "access.log").write_text(f'{HOST} "GET / HTTP/1.1" 200 1\n')
    assert counts(tail)[0] == (None, False, "1 of 1 line of access.log are not in the json format")


def test_tail__own_requests__are_counted_apart(tmp_path, follow):
    path, key, host = tmp_path / "access.log", b"k" * 32, "compas.example"
    path.touch()
    tail = follow("backend", COMMON, tmp_path, OwnRequests(key, [host]))
    line = f'{HOST} "GET / HTTP/1.1" {{}} 1 "-" "{{}}"\n'
    path.write_text(
        "".join(
            [line.format(500, own_mark(key, host)), line.format(200, own_mark(b"o", host)), line.format(200, "Fox")]
        )
    )
    samples = list(tail.samples())
    assert [(s.metric, s.value, s.ok) for s in samples] == [(PEOPLE, 2, True), (OWN, 0, True), (OWN, 1, False)]


def test_tail__checks_of_a_load_balancer__are_no_people(tmp_path, follow):
    (path := tmp_path / "access.log").touch()
    tail = follow("backend", COMMON, tmp_path, None, "/health")
    path.write_text("".join(f'{HOST} "{one} HTTP/1.1" 200 1\n' for one in ("GET /health", "POST /health", "GET /a")))
    assert [(s.metric, s.value) for s in tail.samples()] == [(PEOPLE, 2), (OWN, 1)]


def test_tail__no_such_log__is_no_data(tmp_path, follow):
    assert counts(follow("backend", COMMON, tmp_path)) == [
        (None, False, "access.log cannot be read: No such file or directory")
    ]

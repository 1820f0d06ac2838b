"""The toolkit's own requests carry a mark that no client can make."""

import re
import time

import httpx
import pytest

from handover.http_client import AGENT, MARK, host_of, http_client, own_mark
from handover.journal.own_requests import HOLDS_S, OwnRequests

KEY, OTHER = b"k" * 32, b"o" * 32
HOST = "compas.example"
LINE = '10.0.0.7 - - [24/Nov/2026:13:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "{}"'


def asker(mark: str, host: str = HOST) -> str:
    return OwnRequests(KEY, [host]).asker(LINE.format(mark).encode())


def test_asker__request_of_the_toolkit__is_own():
    assert asker(f"{AGENT} ({own_mark(KEY, HOST)})") == "own"


@pytest.mark.parametrize(
    "mark",
    [
        own_mark(OTHER, HOST),  # another key
        own_mark(KEY, "other.example"),  # copied from the other system's log
        own_mark(KEY, HOST, time.time() - HOLDS_S - 5),  # copied from an old log
        own_mark(KEY, HOST, time.time() + 3600),  # kept for later
        re.sub("-[0-9a-f]{16}-", "-" + "0" * 16 + "-", own_mark(KEY, HOST)),
        "own:65f00000-0000000000000000-" + "0" * 32,
    ],
)
def test_asker__mark_does_not_hold__is_no_own_request(mark):
    assert asker(mark) == "unknown mark"


@pytest.mark.parametrize("agent", ["Mozilla/5.0", AGENT, f"{AGENT} (own)", "handover", f"{AGENT} (own:1-2-3)"])
def test_asker__client_calls_itself_the_toolkit__is_people(agent):
    assert asker(agent) == "people"


def test_asker__system_has_no_address__no_mark_holds():
    assert OwnRequests(KEY, []).asker(own_mark(KEY, "").encode()) == "unknown mark"


def test_http_client__with_a_key__marks_each_request_and_keeps_the_agent_of_a_flow():
    seen: list[httpx.Request] = []

    def note(request: httpx.Request) -> None:
        seen.append(request)
        raise httpx.ConnectError("not sent")

    with http_client(timeout_s=1, key=KEY) as client:
        client.event_hooks = {"request": [*client.event_hooks["request"], note]}
        for headers in ({}, {"User-Agent": "Phone/1"}):
            with pytest.raises(httpx.ConnectError):
                client.get(f"https://{HOST}:443/page", headers=headers)
    for request, agent in zip(seen, (AGENT, "Phone/1"), strict=True):
        assert request.headers["User-Agent"].startswith(f"{agent} (own:")
        assert asker(request.headers["User-Agent"]) == asker(request.headers["X-Handover"]) == "own"
    assert len({MARK.search(request.headers["X-Handover"].encode()).group() for request in seen}) == 2


def test_host_of__ports_of_the_scheme__are_left_out():
    assert host_of("https://Compas.example:443/a") == host_of("https://compas.example") == "compas.example"
    assert host_of("http://127.0.0.1:8000") == "127.0.0.1:8000"

"""The stand-in beside a real Elasticsearch node: the same requests have the same status and the same answer."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from sandbox.search import SearchServer
from sandbox.search.index import Index
from tests.raw_search_requests import Request, Requests

COUNT = 128
SEED = 20
# Where the real one says at which character it stopped reading, who answered and when.
PLACE = re.compile(r"\[\d+:\d+\]|(?<=\[moves/)[\w-]{22}(?=\])")
OWN = {"took", "node", "line", "col", "sort"}


def same(answer: Any) -> Any:
    """Return an answer without what differs from run to run."""
    if isinstance(answer, dict):
        hidden = OWN | ({"index_uuid"} if answer.get("index_uuid") != "_na_" else set())
        shown = {name: None if name in hidden else same(value) for name, value in answer.items()}
        if isinstance(hits := shown.get("hits"), list):
            # Of equal score, the order is that of the segments, which are merged at any time.
            hits.sort(key=lambda hit: (-(hit.get("_score") or 0), hit["_id"]))
        return shown
    if isinstance(answer, list):
        return [same(part) for part in answer]
    return PLACE.sub("", answer) if isinstance(answer, str) else answer


def alike(one: Any, other: Any) -> bool:
    """Whether two answers are the same, numbers as far as single precision goes."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)
    return type(one) is type(other) and one == other


def asked(client: httpx.Client, request: Request) -> tuple[int, Any]:
    headers = {"Content-Type": "application/x-ndjson" if b"\n" in (request.body or b"") else "application/json"}
    answer = client.request(request.method, request.path, content=request.body, headers=headers)
    return answer.status_code, same(answer.json()) if answer.content else None


@contextmanager
def emptied(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=120) as client:
        try:
            yield client
        finally:
            client.delete("/moves")


def differences(real: httpx.Client, stand_in: httpx.Client, seed: int, count: int) -> list[str]:
    requests = Requests(seed)
    found = []
    for request in [*requests.first(), *requests.some(count)]:
        (status, one), (other_status, other) = asked(real, request), asked(stand_in, request)
        if status != other_status or not alike(one, other):
            shown = f"{request.method} {request.path} {(request.body or b'').decode()[:600]}"
            found.append(f"{request.kind}: {shown}\n  real     {status} {one}\n  stand-in {other_status} {other}")
    return found


@pytest.fixture
def both(elasticsearch_node: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    with SearchServer() as server, emptied(elasticsearch_node) as real, emptied(server.url) as stand_in:
        yield real, stand_in


def test_requests__of_every_kind__are_answered_alike(both):
    assert "\n".join(differences(*both, SEED, COUNT)) == ""


@pytest.mark.full
@pytest.mark.parametrize("seed", range(3))
def test_requests__of_other_seeds__are_answered_alike(both, seed):
    assert "\n".join(differences(*both, seed, COUNT)) == ""


def test_stand_in__that_answers_otherwise__is_noticed(both, monkeypatch):
    plain = Index.search
    monkeypatch.setattr(Index, "search", lambda index, body: {**plain(index, body), "max_score": 0.5})
    found = differences(*both, SEED, 10)
    assert found
    assert all(difference.startswith(("neighbours", "matching", "several")) for difference in found)


def test_seed__gives_requests_of_every_kind_and_the_same_again():
    one, other = ([*Requests(SEED).some(COUNT)] for _ in range(2))
    assert one == other
    assert len({request.kind for request in one}) == 10
    assert len({(request.path, request.body) for request in one}) > 100

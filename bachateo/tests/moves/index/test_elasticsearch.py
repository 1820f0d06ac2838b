"""A server that is away or busy for a while, and what it is told of who asks."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from bachateo.errors import SearchError
from bachateo.moves.index import MoveQuery
from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex
from sandbox.fault_proxy import DOWN, FLAPPING, WELL, FaultProxy

REJECTED = {"type": "es_rejected_execution_exception", "reason": "the queue is full"}


@pytest.fixture
def proxy(elasticsearch_url: str) -> Iterator[FaultProxy]:
    address = urlsplit(elasticsearch_url)
    with FaultProxy(str(address.hostname), int(address.port or 80)) as opened:
        yield opened


@pytest.fixture
def index(proxy: FaultProxy, make_document) -> Iterator[ElasticsearchMoveIndex]:
    """An index behind the proxy, with a move."""
    with closing(ElasticsearchMoveIndex(f"http://127.0.0.1:{proxy.port}", index=f"test_{uuid.uuid4().hex}")) as made:
        made.add([make_document("a")])
        yield made
        proxy.set(WELL)
        made.client.indices.delete(index=made.index)


@contextmanager
def answering(*answers: tuple[int, dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Give a server that says this, one after the other, the last again and again; and the headers it was sent."""
    heard: list[dict[str, str]] = []

    class Scripted(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = answers[min(len(heard), len(answers) - 1)]
            heard.append({name.lower(): value for name, value in self.headers.items()})
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_POST  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Scripted) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
        server.shutdown()
        thread.join()


def test_server_that_flaps__is_asked_again(index: ElasticsearchMoveIndex, proxy: FaultProxy) -> None:
    proxy.set(FLAPPING)
    assert [index.count() for _ in range(3)] == [1, 1, 1]


def test_server_that_is_away__is_told_after_the_budget__and_found_when_it_is_back(proxy: FaultProxy, index) -> None:
    proxy.set(DOWN)
    with (
        closing(ElasticsearchMoveIndex(index.url, index=index.index, budget_s=0.5)) as hurried,
        pytest.raises(SearchError, match=r"^CH124  Elasticsearch at http://127\.0\.0\.1:\d+ does not answer"),
    ):
        hurried.count()
    proxy.set(WELL)
    assert index.count() == 1


def test_server_that_is_busy__is_asked_again() -> None:
    busy = (429, {"error": REJECTED, "status": 429})
    with (
        answering(busy, busy, (200, {"count": 7, "_shards": {}})) as (url, heard),
        closing(ElasticsearchMoveIndex(url, budget_s=60)) as index,
    ):
        assert index.count() == 7
    assert len(heard) == 3


def test_server_that_refuses__is_not_asked_again() -> None:
    refusal = {"error": {"type": "security_exception", "reason": "missing authentication"}, "status": 401}
    with (
        answering((401, refusal)) as (url, heard),
        closing(ElasticsearchMoveIndex(url, budget_s=60)) as index,
        pytest.raises(SearchError, match=r"^CH123  Elasticsearch at .* refused: AuthenticationException\(401"),
    ):
        index.count()
    assert len(heard) == 1


def test_api_key__is_sent() -> None:
    with (
        answering((200, {"count": 0, "_shards": {}})) as (url, heard),
        closing(ElasticsearchMoveIndex(url, api_key="a2V5")) as index,
    ):
        index.count()
    assert heard[0]["authorization"] == "ApiKey a2V5"


def test_documents_that_were_not_taken_for_now__are_sent_again() -> None:
    def outcome(**more: Any) -> dict[str, Any]:
        return {"errors": bool(more), "items": [{"index": {"_id": "a", "status": 201, **more}}]}

    rejected = outcome(status=429, error=REJECTED)
    with (
        answering((200, rejected), (200, outcome())) as (url, heard),
        closing(ElasticsearchMoveIndex(url, budget_s=60)) as index,
    ):
        index.write("moves", [{"index": {"_id": "a"}}, {}])
    assert len(heard) == 2


def test_index_that_takes_no_writes__is_no_fault_of_a_document() -> None:
    blocked = {"type": "cluster_block_exception", "reason": "index [moves] blocked by: [FORBIDDEN/8/index write];"}
    answer = {"errors": True, "items": [{"index": {"_id": "a", "status": 403, "error": blocked}}]}
    with (
        answering((200, answer)) as (url, _),
        closing(ElasticsearchMoveIndex(url, budget_s=60)) as index,
        pytest.raises(SearchError, match=r"^CH123  .* refused cluster_block_exception, index \[moves\] blocked"),
    ):
        index.write("moves", [{"index": {"_id": "a"}}, {}])


@pytest.fixture
def mapped_otherwise(elasticsearch_node: str) -> Iterator[ElasticsearchMoveIndex]:
    """An index that another program made: its vectors are plain numbers, and its documents tell no quality."""
    with closing(ElasticsearchMoveIndex(elasticsearch_node, index=f"test_{uuid.uuid4().hex}")) as made:
        properties = {"audio_embedding": {"type": "float"}, "text_embedding": {"type": "dense_vector", "dims": 384}}
        made.client.indices.create(index=made.index, mappings={"properties": properties})
        document = {"audio_embedding": [1.0] * 128, "text_embedding": [1.0] * 384}
        made.client.index(index=made.index, id="a", document=document, refresh=True)
        yield made
        made.client.indices.delete(index=made.index)


def test_index_that_is_mapped_otherwise__has_moves_and_finds_none(mapped_otherwise, queries) -> None:
    assert mapped_otherwise.count() == 1
    assert not mapped_otherwise.finds()
    assert mapped_otherwise.search(MoveQuery({"text": queries["text"]})).hits == ()


def test_index_of_the_contract__finds_its_moves(elasticsearch_node: str, make_document) -> None:
    with closing(ElasticsearchMoveIndex(elasticsearch_node, index=f"test_{uuid.uuid4().hex}")) as made:
        made.create()
        assert not made.finds()
        made.add([make_document("a")])
        assert made.finds()
        made.client.indices.delete(index=made.index)

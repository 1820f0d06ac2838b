from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError
from elasticsearch.helpers import bulk

from sandbox.search import SearchServer

MAPPING = {
    "properties": {
        "v": {"type": "dense_vector", "dims": 3, "index": True, "similarity": "cosine"},
        "name": {"type": "keyword"},
        "level": {"type": "float"},
        "frames": {"type": "integer"},
        "path": {"type": "text"},
        "made": {"type": "date"},
    }
}
DOCUMENTS = {
    "a": {"v": [1, 0, 0], "name": "x", "level": 0.2, "frames": 3, "path": "p/a", "made": "2025-11-01T12:00:00Z"},
    "b": {"v": [1, 1, 0], "name": "y", "level": 0.7},
    "c": {"v": [0, 0, 2], "name": "x", "level": 0.9},
    "d": {"name": "x"},
}


@pytest.fixture(scope="module")
def server() -> Iterator[SearchServer]:
    with SearchServer() as running:
        yield running


@pytest.fixture
def client(server: SearchServer) -> Iterator[Elasticsearch]:
    with Elasticsearch(server.url) as client:
        client.indices.create(index="moves", mappings=MAPPING)
        yield client
        client.indices.delete(index="moves")


@pytest.fixture
def filled(client: Elasticsearch) -> Elasticsearch:
    bulk(client, ({"_index": "moves", "_id": name, "_source": source} for name, source in DOCUMENTS.items()))
    client.indices.refresh(index="moves")
    return client


def _search(client: Elasticsearch, *, knn: dict[str, Any] | None = None, **body: Any) -> Any:
    usual = {"field": "v", "query_vector": [1, 0, 0], "k": 10, "num_candidates": 10}
    return client.search(index="moves", knn={**usual, **(knn or {})}, **body)


def _ids(answer: Any) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def test_info__client__takes_it_for_elasticsearch(client: Elasticsearch) -> None:
    answer = client.info()

    assert answer["version"]["number"].startswith("9.")
    assert answer.meta.headers["x-elastic-product"] == "Elasticsearch"
    assert client.ping()


def test_index__created_and_deleted__is_there_and_gone(client: Elasticsearch) -> None:
    assert client.indices.exists(index="moves")
    assert client.indices.get_mapping(index="moves")["moves"]["mappings"] == MAPPING
    with pytest.raises(BadRequestError, match=r"resource_already_exists_exception.*index \[moves/[\w-]+\] already"):
        client.indices.create(index="moves", mappings=MAPPING)

    client.indices.create(index="other")
    client.indices.delete(index="other")

    assert not client.indices.exists(index="other")
    with pytest.raises(NotFoundError, match=r"index_not_found_exception.*no such index \[other\]"):
        client.indices.delete(index="other")


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"type": "vector"}, r"The mapper type \[vector\] declared on field \[f\] does not exist"),
        ({"type": "keyword", "boost": 2}, r"unknown parameter \[boost\] on mapper \[f\] of type \[keyword\]"),
        ({"type": "dense_vector", "dims": 3}, r"knows dense_vector with dims, index true, similarity cosine"),
        (
            {"type": "dense_vector", "dims": 5000, "index": True, "similarity": "cosine"},
            r"should be in the range \[1, 4096\] but was \[5000\]",
        ),
    ],
)
def test_create__mapping_that_is_none__is_refused(client: Elasticsearch, field: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRequestError, match=f"mapper_parsing_exception.*{reason}"):
        client.indices.create(index="bad", mappings={"properties": {"f": field}})
    assert not client.indices.exists(index="bad")


def test_search__neighbours__are_the_nearest_with_their_scores(filled: Elasticsearch) -> None:
    answer = _search(filled)

    assert _ids(answer) == ["a", "b", "c"]
    scores = [hit["_score"] for hit in answer["hits"]["hits"]]
    assert scores == pytest.approx([1, (1 + 0.5**0.5) / 2, 0.5], abs=1e-6)
    assert answer["hits"]["total"] == {"value": 3, "relation": "eq"}
    assert answer["hits"]["max_score"] == scores[0]


def test_search__k_and_size__limit_the_hits(filled: Elasticsearch) -> None:
    assert _ids(_search(filled, knn={"k": 2})) == ["a", "b"]
    assert _ids(_search(filled, size=1)) == ["a"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"term": {"name": "x"}}, ["a", "c"]),
        ({"term": {"name": {"value": "y"}}}, ["b"]),
        ([{"term": {"name": "x"}}, {"range": {"level": {"gte": 0.5}}}], ["c"]),
        ({"terms": {"name": ["y", "z"]}}, ["b"]),
        ({"bool": {"must": {"match_all": {}}, "must_not": [{"term": {"name": "x"}}]}}, ["b"]),
        ({"bool": {"filter": [{"range": {"level": {"lt": 0.7, "gt": 0.1}}}]}}, ["a"]),
        ({"term": {"unmapped": 1}}, []),
        ([], ["a", "b", "c"]),
    ],
)
def test_search__filter__comes_before_the_neighbours(filled: Elasticsearch, query: Any, found: list[str]) -> None:
    # With k = 1 a filter that came afterwards would leave nothing.
    assert _ids(_search(filled, knn={"filter": query})) == found
    assert _ids(_search(filled, knn={"filter": query, "k": 1})) == found[:1]


def test_search__source__has_vectors_only_when_asked(filled: Elasticsearch) -> None:
    (plain,), (whole,), (some,), (none,) = (
        _search(filled, knn={"k": 1}, source=source)["hits"]["hits"]
        for source in (True, {"exclude_vectors": False}, {"includes": ["name", "level"], "excludes": ["level"]}, False)
    )

    assert plain["_source"] == {key: value for key, value in DOCUMENTS["a"].items() if key != "v"}
    assert whole["_source"] == DOCUMENTS["a"]
    assert some["_source"] == {"name": "x"}
    assert "_source" not in none


def test_search__fields__give_vectors_too(filled: Elasticsearch) -> None:
    (hit,) = _search(filled, knn={"k": 1}, source=False, fields=[{"field": "v"}, {"field": "name"}])["hits"]["hits"]

    assert hit["fields"] == {"v": [1, 0, 0], "name": ["x"]}


def test_writes__before_a_refresh__are_read_by_id_only(client: Elasticsearch) -> None:
    bulk(client, [{"_index": "moves", "_id": "a", "_source": DOCUMENTS["a"]}])

    assert client.mget(index="moves", ids=["a"])["docs"][0]["found"]
    assert client.count(index="moves")["count"] == 0
    assert _ids(_search(client)) == []

    client.indices.refresh(index="moves")

    assert client.count(index="moves")["count"] == 1
    assert client.count(index="moves", query={"term": {"name": "y"}})["count"] == 0
    assert _ids(_search(client)) == ["a"]


def test_bulk__create_index_delete__say_what_they_did(client: Elasticsearch) -> None:
    operations = [
        {"create": {"_id": "a"}}, DOCUMENTS["a"],
        {"index": {"_id": "a"}}, {"name": "new"},
        {"create": {"_id": "a"}}, DOCUMENTS["a"],
        {"delete": {"_id": "a"}},
        {"delete": {"_id": "a"}},
    ]  # fmt: skip

    answer = client.bulk(index="moves", operations=operations, refresh=True)

    outcomes = [next(iter(item.values())) for item in answer["items"]]
    assert [outcome["status"] for outcome in outcomes] == [201, 200, 409, 200, 404]
    assert [outcome.get("result") for outcome in outcomes] == ["created", "updated", None, "deleted", "not_found"]
    assert outcomes[2]["error"]["type"] == "version_conflict_engine_exception"
    assert answer["errors"] is True
    assert client.count(index="moves")["count"] == 0


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"v": [1, 2]}, r"different number of dimensions \[2\] than defined in the mapping \[3\]"),
        ({"v": [0, 0, 0]}, r"does not support vectors with zero magnitude"),
        ({"v": [1, "2", 3]}, r"expecting token of type \[VALUE_NUMBER\] but found \[VALUE_STRING\]"),
        ({"frames": "many"}, r"failed to parse field \[frames\] of type \[integer\]"),
        ({"level": "high"}, r"failed to parse field \[level\] of type \[float\]"),
        ({"name": "a" * 32_767}, r"failed to parse field \[name\] of type \[keyword\]"),
        ({"made": ""}, r"failed to parse field \[made\] of type \[date\]"),
        ({"other": 1}, r"dynamic introduction of \[other\] within \[_doc\] is not allowed"),
    ],
)
def test_bulk__document_that_does_not_fit__is_refused(client: Elasticsearch, document: Any, reason: str) -> None:
    answer = client.bulk(index="moves", operations=[{"index": {"_id": "a"}}, document])

    assert answer["errors"] is True
    assert answer["items"][0]["index"]["status"] == 400
    assert re.search(reason, answer["items"][0]["index"]["error"]["reason"])
    assert client.mget(index="moves", ids=["a"])["docs"][0]["found"] is False


def test_bulk__index_missing__is_refused(client: Elasticsearch) -> None:
    answer = client.bulk(operations=[{"index": {"_index": "gone", "_id": "a"}}, {}])

    assert answer["items"][0]["index"]["error"]["type"] == "index_not_found_exception"


def test_mget__known_unknown_and_no_index__are_told_apart(filled: Elasticsearch) -> None:
    known, unknown = filled.mget(index="moves", ids=["b", "z"], source_includes=["name"])["docs"]
    (nowhere,) = filled.mget(index="gone", ids=["b"])["docs"]

    assert (known["found"], known["_source"]) == (True, {"name": "y"})
    assert (unknown["found"], "_source" in unknown) == (False, False)
    assert nowhere["error"]["type"] == "index_not_found_exception"


@pytest.mark.parametrize(
    ("knn", "reason"),
    [
        ({"k": 11}, r"\[num_candidates\] cannot be less than \[k\]"),
        ({"query_vector": [1, 0]}, r"different number of dimensions \[2\] than the document vectors \[3\]"),
        ({"query_vector": [0, 0, 0]}, r"zero magnitude"),
        ({"field": "name"}, r"only supported on \[dense_vector\] fields"),
        ({"filter": {"fuzzy": {"name": "x"}}}, r"unknown query \[fuzzy\]"),
        ({"filter": {"term": {"path": "p"}}}, r"\[term\] on \[path\], which is no keyword"),
        ({"filter": {"bool": {"should": []}}}, r"\[bool\] unknown field \[should\]"),
        ({"boost": 2}, r"\[knn\] unknown field \[boost\]"),
    ],
)
def test_search__request_that_is_wrong__is_refused(filled: Elasticsearch, knn: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRequestError, match=reason):
        _search(filled, knn=knn)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"aggs": {}}, r"Unknown key for a START_OBJECT in \[aggs\]"),
        ({"size": 10_001}, r"Result window is too large, from \+ size .* but was \[10001\]"),
        ({"source": ["n*"]}, r"patterns are unknown to this stand-in"),
    ],
)
def test_search__what_is_unknown__is_refused(filled: Elasticsearch, body: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRequestError, match=reason):
        _search(filled, **body)


def test_search__without_neighbours__is_refused(filled: Elasticsearch) -> None:
    with pytest.raises(BadRequestError, match=r"knows searches with \[knn\] only"):
        filled.search(index="moves", size=3)


def test_search__field_that_is_not_mapped__finds_nothing(filled: Elasticsearch) -> None:
    assert _ids(_search(filled, knn={"field": "w"})) == []


def test_search__index_missing__is_not_found(client: Elasticsearch) -> None:
    with pytest.raises(NotFoundError, match=r"no such index \[gone\]"):
        client.count(index="gone")


def test_requests__calls_it_does_not_know__are_refused(server: SearchServer, client: Elasticsearch) -> None:
    with pytest.raises(ApiError, match=r"no handler found for uri \[/_cluster/health\] and method \[GET\]"):
        client.cluster.health()
    with pytest.raises(BadRequestError, match=r"unrecognized parameter: \[routing\]"):
        client.count(index="moves", routing="x")
    with pytest.raises(ApiError, match=r"this stand-in does not tell all of \[moves\]"):
        client.indices.get(index="moves")


def test_requests__plain_http__gets_plain_json(server: SearchServer) -> None:
    about = httpx.get(server.url)
    assert about.headers["content-type"] == "application/json"
    assert about.json()["tagline"] == "You Know, for Search"

    refused = httpx.post(f"{server.url}/moves/_search", content=b"{")
    assert refused.status_code == 400
    assert refused.json()["error"]["reason"].startswith("the body is not valid JSON")


def test_server__address__is_this_machine_only(server: SearchServer) -> None:
    assert server.url.startswith("http://127.0.0.1:")


def test_server__closed__hangs_up_and_answers_no_client() -> None:
    with SearchServer() as server:
        client = Elasticsearch(server.url, max_retries=0)
        assert client.ping()

    assert not client.ping()
    client.close()


def test_scroll__of_everything__gives_pages_of_what_was_there_at_the_first(filled: Elasticsearch) -> None:
    body: Any = {"query": {"match_all": {}}, "sort": ["_doc"], "size": 3, "fields": ["v"], "source": ["name"]}
    first = filled.search(index="moves", scroll="1m", **body)
    bulk(filled, [{"_op_type": "delete", "_index": "moves", "_id": "d"}], refresh=True)
    second = filled.scroll(scroll_id=first["_scroll_id"], scroll="1m")
    third = filled.scroll(scroll_id=first["_scroll_id"], scroll="1m")

    assert [_ids(answer) for answer in (first, second, third)] == [["a", "b", "c"], ["d"], []]
    assert first["hits"]["hits"][2]["fields"] == {"v": [0, 0, 2]}
    assert filled.clear_scroll(scroll_id=first["_scroll_id"])["succeeded"]
    with pytest.raises(NotFoundError, match=r"No search context found for id \[scroll-"):
        filled.scroll(scroll_id=first["_scroll_id"], scroll="1m")


@pytest.mark.parametrize("body", [{"query": {"match_all": {}}}, {"query": {"match_all": {}}, "sort": ["name"]}])
def test_search__of_a_query_in_another_order__is_refused(filled: Elasticsearch, body: Any) -> None:
    with pytest.raises(BadRequestError, match=r"this stand-in sorts a \[query\] by"):
        filled.search(index="moves", **body)

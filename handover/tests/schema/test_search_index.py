"""The index is read completely, page by page, as at the first page; errors do not show its address."""

import json

import httpx
import pytest

from handover.errors import ConfigurationError, UnseenError
from handover.schema import search_index
from handover.schema.search_index import IndexReader, declared, mapping_differences
from sandbox.search.server import SearchServer

MAPPING = {
    "v": {"type": "dense_vector", "dims": 2, "index": True, "similarity": "cosine"},
    "name": {"type": "keyword"},
}


@pytest.fixture(scope="module")
def client():
    with SearchServer() as server, httpx.Client(base_url=server.url) as client:
        client.put("/moves", json={"mappings": {"properties": MAPPING}}).raise_for_status()
        lines = [p for n in range(7) for p in ({"index": {"_id": f"d{n}"}}, {"v": [1, n], "name": f"n{n}"})]
        client.post("/moves/_bulk?refresh=true", content="".join(json.dumps(line) + "\n" for line in lines))
        yield client


def test_documents__in_pages__are_all_with_fields_and_vectors(client, monkeypatch):
    monkeypatch.setattr(search_index, "PAGE", 3)
    reading = IndexReader(client, "moves")
    seen = list(reading.documents(["name"], ["v"]))
    assert [(d.id, d.fields["name"], list(d.vectors["v"])) for d in seen] == [
        (f"d{n}", f"n{n}", [1, n]) for n in range(7)
    ]
    assert reading.requests == 1 + 3 + 1  # three pages, the empty one, and the end of the scroll


def test_documents__reader_stops_early__the_server_keeps_nothing(client, monkeypatch):
    monkeypatch.setattr(search_index, "PAGE", 3)
    reading = IndexReader(client, "moves").documents(["name"], ["v"])
    next(reading)
    reading.close()
    answer = client.request("POST", "/_search/scroll", json={"scroll": "1m", "scroll_id": "scroll-0"})
    assert answer.status_code == 404


def test_mapping__no_such_index__is_unseen_and_its_address_is_not_shown(client):
    with pytest.raises(UnseenError, match="the index gone could not be read: GET /gone/_mapping gave 404") as raised:
        IndexReader(client, "gone").mapping()
    assert "127.0.0.1" not in str(raised.value)


def test_mapping__no_server__is_unseen():
    with httpx.Client(base_url="http://user:secret@127.0.0.1:1") as unreachable:
        with pytest.raises(UnseenError, match="gave ConnectError") as raised:
            IndexReader(unreachable, "moves").mapping()
        assert "secret" not in str(raised.value)


def test_mapping_differences__options_that_a_server_adds__are_no_difference():
    live = {**MAPPING, "v": {**MAPPING["v"], "index_options": {"type": "int8_hnsw"}}}
    assert list(mapping_differences(MAPPING, live)) == []
    changed = {"v": {**MAPPING["v"], "dims": 3}, "more": {"type": "text"}}
    assert [place for place, _, _ in mapping_differences(MAPPING, changed)] == ["more", "name", "v"]


QUANTISED = {"type": "int8_hnsw", "m": 16, "ef_construction": 100}


@pytest.mark.parametrize(
    ("wanted", "live", "differs"),
    [
        ({"type": "flat"}, {"type": "flat"}, False),
        ({"type": "hnsw"}, {"type": "hnsw", "m": 16, "ef_construction": 100}, False),
        ({"type": "flat"}, QUANTISED, True),
        ({"type": "hnsw", "m": 32}, {"type": "hnsw", "m": 16}, True),
        ({"type": "flat"}, {}, True),
    ],
)
def test_mapping_differences__how_vectors_are_kept__is_compared_as_far_as_it_is_declared(wanted, live, differs):
    one = {"v": {**MAPPING["v"], "index_options": wanted}}
    other = {"v": MAPPING["v"] | ({"index_options": live} if live else {})}
    assert bool(list(mapping_differences(one, other))) is differs


def test_mapping_differences__quantised_vectors__are_named():
    exact, quantised = ({"v": {**MAPPING["v"], "index_options": options}} for options in ({"type": "flat"}, QUANTISED))
    ((place, found, expected),) = mapping_differences(exact, quantised)
    plain = "dims 2, index True"
    assert place == "v"
    assert found == f"is {plain}, index_options.type int8_hnsw, similarity cosine, type dense_vector in the index"
    assert expected == f"the contract says {plain}, index_options.type flat, similarity cosine, type dense_vector"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "does not exist; .*Save what GET INDEX/_mapping answers"), ("{", "is no JSON"), ("{}", "holds no mapping")],
)
def test_declared__file_that_holds_no_mapping__is_refused(tmp_path, content, message):
    file = tmp_path / "mapping.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        declared(file)

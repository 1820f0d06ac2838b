"""What every index of moves must do: the local one, Elasticsearch where there is a node of it, and its stand-in."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from operator import mul
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from bachateo.errors import SearchError
from bachateo.moves.index import MoveDocument, MoveIndex, MoveQuery, query
from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex
from bachateo.moves.index.local import FILE_NAME, LocalMoveIndex
from sandbox.fault_proxy import FaultProxy

# To start a node takes longer than all the rest.
KINDS = ("local", "stand-in", pytest.param("elasticsearch", marks=pytest.mark.full))
ALL = ("audio", "text", "lead", "follow", "interaction")
# Which vectors are asked with, and which filters.
CASES: Mapping[str, tuple[Sequence[str], Mapping[str, str]]] = {
    "music": (("audio",), {}),
    "music and text": (("audio", "text"), {}),
    "everything": (ALL, {}),
    "difficulty": (ALL, {"difficulty": "beginner"}),
    "energy": (("audio", "text"), {"energy_level": "medium"}),
    "both": (ALL, {"difficulty": "intermediate", "energy_level": "low"}),
    "too few of this energy": (ALL, {"difficulty": "intermediate", "energy_level": "high"}),
    "too few of this difficulty": (("audio",), {"difficulty": "advanced"}),
    "too few of both": (ALL, {"difficulty": "advanced", "energy_level": "low"}),
    "text without music": (("text",), {"difficulty": "beginner"}),
    "motion alone": (("follow", "interaction"), {}),
}


def expected(documents: Sequence[MoveDocument], vectors: Mapping[str, np.ndarray], filters: Mapping[str, str]) -> Any:
    """Return hits and dropped filters, computed from the contract's words one number at a time."""
    wanted, dropped = dict(filters), []
    first = next(name for name in ("audio", "text", "lead", "follow", "interaction") if name in vectors)
    while True:
        fitting = [d for d in documents if all(d.fields[name] == value for name, value in wanted.items())]
        near = sorted(
            (d for d in fitting if first in d.vectors),
            key=lambda d: (-round(_cosine(d, vectors, first), 9), d.clip_id),
        )[:200]
        weights = {"text": 0.35, "audio": 0.35, "lead": 0.1, "follow": 0.1, "interaction": 0.1}
        hits = []
        for d in near:
            if d.fields["quality_score"] >= 0.5:
                parts = {name: (_cosine(d, vectors, name) + 1) / 2 for name in weights}
                hits.append((d.clip_id, sum(weights[name] * parts[name] for name in weights), parts))
        hits.sort(key=lambda hit: (-round(hit[1], 9), hit[0]))
        droppable = [name for name in ("energy_level", "difficulty") if name in wanted]
        if len(hits) >= 5 or not droppable:
            return hits, tuple(dropped)
        dropped.append(droppable[0])
        del wanted[droppable[0]]


def _cosine(document: MoveDocument, vectors: Mapping[str, np.ndarray], name: str) -> float:
    if name not in vectors or name not in document.vectors:
        return 0.0
    return _cosine_of(document.vectors[name].tobytes(), vectors[name].tobytes())


@cache
def _cosine_of(a: bytes, b: bytes) -> float:
    one, other = (memoryview(vector).cast("f").tolist() for vector in (a, b))
    return math.fsum(map(mul, one, other)) / math.sqrt(
        math.fsum(map(mul, one, one)) * math.fsum(map(mul, other, other))
    )


def assert_answers(
    index: MoveIndex, case: str, documents: Sequence[MoveDocument], queries: Mapping[str, np.ndarray]
) -> None:
    names, filters = CASES[case]
    vectors = {name: queries[name] for name in names}
    hits, dropped = expected(documents, vectors, filters)

    found = index.search(MoveQuery(vectors, **filters))

    assert found.dropped_filters == dropped, "the same fall-back"
    assert sorted(hit.clip_id for hit in found.hits) == sorted(hit[0] for hit in hits), "the same moves"
    for hit, (clip_id, score, parts) in zip(sorted(found.hits, key=lambda h: h.clip_id), sorted(hits), strict=True):
        assert hit.clip_id == clip_id
        assert hit.score == pytest.approx(score, abs=1e-6), "the same score"
        assert hit.parts == pytest.approx(parts, abs=1e-6), "the same parts"
    assert [hit.clip_id for hit in found.hits] == [hit[0] for hit in hits], "the same order"


MakeIndex = Callable[[str, Sequence[MoveDocument]], MoveIndex]


@pytest.fixture(scope="module")
def make_index(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[MakeIndex]:
    """Make an index of a kind; those on a server are deleted afterwards."""
    opened: list[ElasticsearchMoveIndex] = []

    def make(kind: str, documents: Sequence[MoveDocument]) -> MoveIndex:
        if kind == "local":
            path = tmp_path_factory.mktemp("index") / FILE_NAME
            return LocalMoveIndex.create(path, sorted(documents, key=lambda d: d.clip_id), len(documents))
        url = request.getfixturevalue("elasticsearch_node" if kind == "elasticsearch" else "elasticsearch_url")
        index = ElasticsearchMoveIndex(url, index=f"test_{uuid.uuid4().hex}")
        opened.append(index)
        index.create()
        index.add(documents)
        return index

    yield make
    for index in opened:
        index.client.indices.delete(index=index.index)
        index.close()


class _Indexes(dict[str, MoveIndex]):
    """By kind, each made when it is asked for: where a kind is not there, its tests alone are skipped."""

    def __init__(self, make: Callable[[str], MoveIndex]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, kind: str) -> MoveIndex:
        self[kind] = self._make(kind)
        return self[kind]


@pytest.fixture(scope="module")
def indexes(make_index: MakeIndex, documents: tuple[MoveDocument, ...]) -> dict[str, MoveIndex]:
    # Shuffled, so that no order is right by chance.
    shuffled = [documents[number] for number in np.random.default_rng(4).permutation(len(documents))]
    return _Indexes(lambda kind: make_index(kind, shuffled))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_search__every_case__answers_by_the_contract(kind: str, case: str, indexes, documents, queries) -> None:
    assert_answers(indexes[kind], case, documents, queries)


def test_cases__documents__let_every_rule_decide(documents: tuple[MoveDocument, ...], queries) -> None:
    answers = {
        case: expected(documents, {name: queries[name] for name in names}, filters)
        for case, (names, filters) in CASES.items()
    }

    assert {dropped for _, dropped in answers.values()} == {
        (),
        ("energy_level",),
        ("difficulty",),
        ("energy_level", "difficulty"),
    }
    assert len(documents) > 400
    heard = [d for d in documents if "audio" in d.vectors]
    good = [d for d in heard if d.fields["quality_score"] >= 0.5]
    assert 100 < len(answers["music"][0]) < 200 < len(good) < len(heard) < len(documents)
    scores = [round(score, 9) for _, score, _ in answers["music"][0]]
    assert len(set(scores)) < len(scores), "there are ties"


@pytest.mark.parametrize("kind", KINDS)
def test_search__no_moves__finds_none_and_says_what_it_tried(kind: str, make_index: MakeIndex, queries) -> None:
    asked = MoveQuery({"audio": queries["audio"]}, difficulty="beginner", energy_level="low")

    found = make_index(kind, []).search(asked)

    assert (found.hits, found.dropped_filters) == ((), ("energy_level", "difficulty"))


@pytest.mark.parametrize("kind", KINDS)
def test_get_many__some_unknown__keeps_the_order_and_has_no_vectors(kind: str, indexes, documents) -> None:
    index, clip_ids = indexes[kind], ["move300", "gone", "move000", "move459", "", "zzz"]

    found = index.get_many(clip_ids)

    known = {document.clip_id: dict(document.fields) for document in documents}
    assert found == [known.get(clip_id) for clip_id in clip_ids]
    assert index.count() == len(documents)
    assert index.get_many([]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_add__known_and_new__replaces_and_adds(kind: str, make_index: MakeIndex, make_document, queries) -> None:
    first = [make_document(name) for name in ("b", "d", "f", "h", "j")]
    index = make_index(kind, first)
    later = [make_document("k"), make_document("d", move_label="changed"), make_document("a")]

    assert index.add(later) == 3

    assert index.count() == 7
    assert [document["move_label"] for document in index.get_many(["a", "d", "k"])] == ["a", "changed", "k"]
    assert_answers(index, "everything", [*later, *(d for d in first if d.clip_id != "d")], queries)


@pytest.mark.parametrize("kind", KINDS)
def test_search__vectors_of_any_length__scores_the_directions(kind: str, make_index: MakeIndex, make_document) -> None:
    documents = [make_document(name) for name in "abcdefg"]
    longer = [
        MoveDocument(d.fields, {name: (1e3 if number % 2 else 1e-3) * v for name, v in d.vectors.items()})
        for number, d in enumerate(documents)
    ]
    vectors = dict(documents[0].vectors)

    plain, scaled = (make_index(kind, given).search(MoveQuery(vectors)).hits for given in (documents, longer))

    assert [hit.clip_id for hit in plain] == [hit.clip_id for hit in scaled]
    assert plain[0].clip_id == "a"
    assert plain[0].score == pytest.approx(1, abs=1e-6)
    assert [hit.score for hit in plain] == pytest.approx([hit.score for hit in scaled], abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_add__at_the_limits__is_held_and_found(kind: str, make_index: MakeIndex, make_document) -> None:
    named = make_document("á" * 256, move_label="a" * 32_766, estimated_tempo=3.4e38)
    lengths = (2e-19, 1e17)  # of which squares are numbers of 32 bits
    odd = [MoveDocument({**named.fields, "clip_id": f"{size}"}, _scaled(named, size)) for size in lengths]

    index = make_index(kind, [named, *odd])

    clip_ids = [document.clip_id for document in (named, *odd)]
    assert [found["clip_id"] for found in index.get_many(clip_ids)] == clip_ids
    hits = index.search(MoveQuery(dict(named.vectors))).hits
    assert [hit.score for hit in hits] == pytest.approx([1, 1, 1], abs=1e-6)


def _scaled(document: MoveDocument, length: float) -> dict[str, np.ndarray]:
    return {name: (length * v / np.linalg.norm(v)).astype(np.float32) for name, v in document.vectors.items()}


class _WrongWeight(LocalMoveIndex):
    fails = "the same score"


class _NoFilters(LocalMoveIndex):
    fails = "the same"

    def neighbours(self, asked, _filters):
        return super().neighbours(asked, {})


class _NoDifficulty(LocalMoveIndex):
    fails = "the same"

    def neighbours(self, asked, filters):
        return super().neighbours(asked, {name: v for name, v in filters.items() if name != "difficulty"})


class _Unsorted(LocalMoveIndex):
    fails = "the same order"

    def search(self, asked):
        found = super().search(asked)
        return query.SearchResult(found.hits[::-1], found.dropped_filters)


class _NoFallBack(LocalMoveIndex):
    fails = "the same fall-back"

    def search(self, asked):
        return query.SearchResult(query.rank(asked, self.neighbours(asked, asked.filters)))


class _AnyQuality(LocalMoveIndex):
    fails = "the same moves"

    def neighbours(self, asked, filters):
        found = super().neighbours(asked, filters)
        return query.Neighbours(found.clip_ids, np.ones(len(found.clip_ids)), found.cosines)


class _TooFewNeighbours(LocalMoveIndex):
    fails = "the same moves"

    def neighbours(self, asked, filters):
        found = super().neighbours(asked, filters)
        return found.rows(range(min(100, len(found.clip_ids))))


def _failures(index: MoveIndex, documents, queries) -> str:
    failed = []
    for case in CASES:
        try:
            assert_answers(index, case, documents, queries)
        except AssertionError as error:
            failed.append(str(error))
    return "\n".join(failed)


@pytest.mark.parametrize(
    "fault", [_NoFilters, _NoDifficulty, _Unsorted, _NoFallBack, _AnyQuality, _TooFewNeighbours, _WrongWeight]
)
def test_suite__planted_fault__is_caught(fault, indexes, documents, queries, monkeypatch) -> None:
    if fault is _WrongWeight:
        monkeypatch.setattr(query, "WEIGHTS", {**query.WEIGHTS, "text": 0.30, "audio": 0.40})

    assert fault.fails in _failures(fault(indexes["local"].layout.path), documents, queries)


def test_suite__ties_in_another_order__are_caught(indexes, documents, queries, monkeypatch) -> None:
    def best(scores, clip_ids):
        backwards = sorted(range(len(scores)), key=clip_ids.__getitem__, reverse=True)
        return sorted(backwards, key=lambda row: -round(scores[row], 9))

    monkeypatch.setattr(query, "_best", best)

    assert "the same order" in _failures(indexes["local"], documents, queries)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_mapping__created__is_the_original_s(kind: str, indexes: dict[str, MoveIndex]) -> None:
    index = indexes[kind]
    properties = index.client.indices.get_mapping(index=index.index)[index.index]["mappings"]["properties"]

    vector = {"type": "dense_vector", "index": True, "similarity": "cosine", "index_options": {"type": "flat"}}
    wanted = {
        **{
            f"{name}_embedding": {**vector, "dims": dims}
            for name, dims in (("audio", 128), ("lead", 512), ("follow", 512), ("interaction", 256), ("text", 384))
        },
        **{
            name: {"type": "keyword"}
            for name in ("clip_id", "move_label", "difficulty", "energy_level", "lead_follow_roles", "version")
        },
        **{
            name: {"type": "float"}
            for name in ("estimated_tempo", "quality_score", "detection_rate", "processing_time")
        },
        "frame_count": {"type": "integer"},
        "video_path": {"type": "text"},
        "created_at": {"type": "date"},
    }
    # A server may list options of its own beside those that were asked for.
    shown = {name: {key: field.get(key) for key in wanted.get(name, field)} for name, field in properties.items()}
    assert json.dumps(shown, sort_keys=True) == json.dumps(wanted, sort_keys=True)
    assert set(indexes["local"].get_many(["move000"])[0]) | {f"{n}_embedding" for n in ALL} == set(wanted)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_search__of_five_vectors__moves_less_than_100_kb(kind: str, request, make_document, queries) -> None:
    url = request.getfixturevalue("elasticsearch_node" if kind == "elasticsearch" else "elasticsearch_url")
    address = urlsplit(url)
    with FaultProxy(str(address.hostname), int(address.port or 80)) as proxy:
        index = ElasticsearchMoveIndex(f"http://127.0.0.1:{proxy.port}", index=f"test_{uuid.uuid4().hex}")
        index.add(make_document(f"move{number:03}") for number in range(450))
        before = proxy.asked_bytes + proxy.answered_bytes

        found = index.search(MoveQuery(queries))

        moved = proxy.asked_bytes + proxy.answered_bytes - before
        index.client.indices.delete(index=index.index)
        index.close()
    assert len(found.hits) == 200
    assert 2_000 < moved < 100_000


def test_elasticsearch__index_missing__says_how_to_make_it(elasticsearch_url: str, queries) -> None:
    index = ElasticsearchMoveIndex(elasticsearch_url, index="test_never_made")

    for call in (index.count, lambda: index.get_many(["a"]), lambda: index.search(MoveQuery(queries))):
        with pytest.raises(SearchError, match=r"^CH121  there is no index test_never_made at http.*library index DIR"):
            call()
    index.close()


@pytest.mark.parametrize("kind", KINDS[1:])
def test_elasticsearch__document_that_does_not_fit__says_which(kind: str, make_index: MakeIndex, make_document) -> None:
    told = r"^CH122  Elasticsearch refused 1 of the documents, first b: document_parsing_exception, .*frame_count"
    with pytest.raises(SearchError, match=told):
        make_index(kind, [make_document("a"), make_document("b", frame_count="many"), make_document("c")])


def test_elasticsearch__no_server_there__says_where_it_looked(queries) -> None:
    index = ElasticsearchMoveIndex("http://127.0.0.1:9")

    with pytest.raises(SearchError, match=r"^CH124  Elasticsearch at http://127\.0\.0\.1:9 does not answer"):
        index.count()
    index.close()


@pytest.mark.parametrize("kind", KINDS[1:])
def test_elasticsearch__created_before__is_left_alone(kind: str, indexes) -> None:
    index = indexes[kind]

    assert index.create() is False
    assert index.count() > 0


def test_local__file_moved__is_found_by_its_new_path(indexes: dict[str, MoveIndex], tmp_path: Path, queries) -> None:
    copy = tmp_path / FILE_NAME
    copy.write_bytes(indexes["local"].layout.path.read_bytes())

    asked = MoveQuery(queries)
    assert LocalMoveIndex(copy).search(asked) == indexes["local"].search(asked)

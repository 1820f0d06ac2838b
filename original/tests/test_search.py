"""The original's search of moves, beside the engine's: two implementations of one contract."""

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from bachateo.moves.index import MoveDocument, MoveIndex, MoveQuery
from bachateo.moves.index.document import VECTOR_DIMS
from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex
from bachateo.moves.index.local import LocalMoveIndex, library_stamp
from choreography import search
from choreography.search import SearchFailedError, search_moves

MANY = 430  # more than the 400 candidates


def document(number: int, rng: np.random.Generator, **changed: object) -> MoveDocument:
    """Make a move; few are intermediate and high, fewer than five advanced, some poor, some without a vector."""
    fields = {
        "clip_id": f"move{number:03}",
        "difficulty": "advanced" if number % 120 == 0 else ("beginner", "intermediate")[number % 2],
        "energy_level": "high" if number % 77 == 0 else ("low", "medium")[number // 2 % 2],
        "quality_score": (1.0, 0.5, 0.4999, 0.8)[number % 4],
        **changed,
    }
    vectors = {name: rng.normal(0.1, 1, dims).astype(np.float32) for name, dims in VECTOR_DIMS.items()}
    if number % 9 == 3:
        del vectors[("lead", "text", "interaction")[number % 3]]
    if number % 50 == 7:
        del vectors["audio"]
    return MoveDocument(fields, vectors)


@pytest.fixture(scope="module")
def documents() -> tuple[MoveDocument, ...]:
    """All moves; every fifth repeats the vectors of the one before it."""
    rng = np.random.default_rng(5)
    made: list[MoveDocument] = []
    for number in range(MANY):
        new = document(number, rng)
        made.append(MoveDocument(new.fields, made[-1].vectors) if number % 5 == 4 else new)
    return tuple(made)


def write_index(folder: Path, documents: tuple[MoveDocument, ...]) -> LocalMoveIndex:
    """Index a library of these moves, whose library.json is not read here."""
    (folder / "library.json").write_text("{}")
    stamp = library_stamp(folder / "library.json")
    return LocalMoveIndex.create(folder / search.INDEX_FILE, documents, len(documents), stamp)


@pytest.fixture(scope="module")
def indexes(
    documents: Any, tmp_path_factory: Any, elasticsearch_url: str
) -> Iterator[dict[str, tuple[MoveIndex, str]]]:
    """The engine's indexes, each with the setting that leads the original to the same."""
    folder = tmp_path_factory.mktemp("library")
    local = write_index(folder, documents)
    remote = ElasticsearchMoveIndex(elasticsearch_url)
    remote.add(documents)
    yield {"local": (local, str(folder)), "elasticsearch": (remote, elasticsearch_url)}
    remote.client.indices.delete(index=search.INDEX)
    remote.close()


@pytest.fixture(params=["local", "elasticsearch"])
def engine(request: Any, indexes: Any, settings: Any) -> MoveIndex:
    """One of the engine's indexes; the original is set up to search the same moves."""
    index, where = indexes[request.param]
    settings.ELASTICSEARCH_URL = where if request.param == "elasticsearch" else ""
    settings.MOVES_LIBRARY = Path("/nowhere" if request.param == "elasticsearch" else where)
    return index


def asked(*names: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(6)
    every = {name: rng.normal(0.1, 1, dims).astype(np.float32) for name, dims in VECTOR_DIMS.items()}
    return {name: every[name] for name in names}


def differences(engine: MoveIndex, vectors: dict[str, np.ndarray], **filters: str) -> list[str]:
    """Compare the two searches: the same moves, in the same order, of the same scores."""
    mine = search_moves(vectors, **filters)
    theirs = engine.search(MoveQuery(vectors, **filters)).hits
    assert theirs
    if [found.clip_id for found in mine] != [hit.clip_id for hit in theirs]:
        return ["other moves, or another order"]
    return [found.clip_id for found, hit in zip(mine, theirs, strict=True) if abs(found.score - hit.score) > 1e-6]


@pytest.mark.parametrize(
    ("names", "filters"),
    [
        (["audio"], {}),
        (["audio", "text"], {"difficulty": "beginner"}),
        (list(VECTOR_DIMS), {"energy_level": "low"}),
        (list(VECTOR_DIMS), {"difficulty": "intermediate", "energy_level": "high"}),
        (["audio", "lead"], {"difficulty": "advanced", "energy_level": "high"}),
        (["interaction", "text"], {"difficulty": "beginner"}),
    ],
    ids=["song", "words", "all", "any energy in the end", "anything in the end", "no song"],
)
@pytest.mark.thinned(to_one_in=4)
def test_search__finds_what_the_engine_finds(engine: MoveIndex, names: list[str], filters: dict[str, str]):
    assert differences(engine, asked(*names), **filters) == []


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("MOST_HITS", 150),
        ("LEAST_QUALITY", 0.51),
        ("LEAST_QUALITY", 0.49),
        ("FEWEST_HITS", 1),
        ("WEIGHTS", {"text": 0.30, "audio": 0.40, "lead": 0.10, "follow": 0.10, "interaction": 0.10}),
        ("TIE_DECIMALS", 0),
    ],
)
def test_search__of_another_contract__is_noticed(
    indexes: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, change: str, value: object
):
    index, folder = indexes["local"]
    settings.ELASTICSEARCH_URL, settings.MOVES_LIBRARY = "", Path(folder)
    monkeypatch.setattr(search, change, value)
    few = {"difficulty": "intermediate", "energy_level": "high"}
    assert differences(index, asked(*VECTOR_DIMS)) + differences(index, asked(*VECTOR_DIMS), **few)


def test_search__candidates_of_elasticsearch__are_four_hundred(
    indexes: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    index, settings.ELASTICSEARCH_URL = indexes["elasticsearch"]
    monkeypatch.setattr(search, "CANDIDATES", 100)
    assert differences(index, asked("audio"))


@pytest.mark.parametrize("names", [["audio"], list(VECTOR_DIMS)], ids=["song", "all"])
def test_search__in_elasticsearch__fetches_the_vectors_that_it_compares_and_no_others(
    indexes: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, names: list[str]
):
    _, settings.ELASTICSEARCH_URL = indexes["elasticsearch"]
    fetched: set[str] = set()
    ask = Elasticsearch.search

    def listening(client: Elasticsearch, **options: Any) -> Any:
        answer = ask(client, **options)
        for hit in answer["hits"]["hits"]:
            assert hit["_source"].keys() == {"quality_score"}
            fetched.update(hit["fields"])
        return answer

    monkeypatch.setattr(Elasticsearch, "search", listening)
    assert search_moves(asked(*names))
    assert fetched == {f"{name}_embedding" for name in names}


def test_search__equal_moves__are_in_the_order_of_their_names(engine: MoveIndex):
    found = search_moves(asked("audio"))
    ties = [(one, other) for one, other in pairwise(found) if one.score == other.score]
    assert ties
    assert all(one.clip_id < other.clip_id for one, other in ties)
    assert all(0 <= move.score <= 1 for move in found)


@pytest.mark.parametrize(("vectors", "what"), [({}, "no vector"), ({"smell": [1.0]}, "smell")])
def test_search__by_nothing_that_moves_have__is_refused(vectors: dict[str, Any], what: str):
    with pytest.raises(ValueError, match=f"the query has {what}; it may have audio, text, lead, follow, interaction."):
        search_moves(vectors)


def test_search__no_index__says_how_to_make_one(settings: Any, tmp_path: Path):
    settings.ELASTICSEARCH_URL, settings.MOVES_LIBRARY = "", tmp_path
    with pytest.raises(SearchFailedError, match=r"There is no .*moves\.index\. Make it: bachateo library index"):
        search_moves(asked("audio"))


@pytest.mark.parametrize("at", [0, 8, 30])
def test_search__damaged_index__is_refused(settings: Any, tmp_path: Path, documents: Any, at: int):
    write_index(tmp_path, documents[:6])
    settings.ELASTICSEARCH_URL, settings.MOVES_LIBRARY = "", tmp_path
    content = bytearray((tmp_path / search.INDEX_FILE).read_bytes())
    content[at] ^= 0xFF
    (tmp_path / search.INDEX_FILE).write_bytes(content)
    with pytest.raises(SearchFailedError, match="is no index of layout 1, or damaged"):
        search_moves(asked("audio"))


def test_search__library_that_has_changed_since__is_refused(settings: Any, tmp_path: Path, documents: Any):
    write_index(tmp_path, documents[:6])
    settings.ELASTICSEARCH_URL, settings.MOVES_LIBRARY = "", tmp_path
    os.utime(tmp_path / "library.json", (1, 1))  # as after a copy: another time, the same content
    assert search_moves(asked("audio"))
    for content in ("[]", "{ }"):
        (tmp_path / "library.json").write_text(content)
        with pytest.raises(
            SearchFailedError, match=r"moves\.index is older than library\.json\. Make it anew: bachateo lib"
        ):
            search_moves(asked("audio"))


def test_search__knows_neither_the_engines_nor_the_backends():
    source = Path(search.__file__).read_text()
    assert "bachateo." not in source
    assert "import bachateo" not in source

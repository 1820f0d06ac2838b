"""Moves that go with a song: the original's own search, in Elasticsearch or in the index file of the library.

docs/reference/search.md is the contract, and says what is where in the file.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

INDEX = "bachata_move_embeddings"
INDEX_FILE = "moves.index"
CANDIDATES = 400
MOST_HITS = 200
LEAST_QUALITY = 0.5
FEWEST_HITS = 5
WEIGHTS = {"text": 0.35, "audio": 0.35, "lead": 0.10, "follow": 0.10, "interaction": 0.10}
# The code of a filter's word in the index file is its place here.
CODES = {"difficulty": ("beginner", "intermediate", "advanced"), "energy_level": ("low", "medium", "high")}
# The neighbours are searched by the first of these vectors that is given.
KINDS = ("audio", "text", "lead", "follow", "interaction")
MAGIC, VERSION, HEADER_AT = b"COMPASMI", 1, 20
TIE_DECIMALS = 9
TIMEOUT_S = 30

Vectors = Mapping[str, Any]


class SearchFailedError(Exception):
    """The index of moves cannot be read."""


@dataclass(frozen=True)
class Found:
    """A move and its score, 0 to 1."""

    clip_id: str
    score: float


@dataclass(frozen=True)
class Candidates:
    """Moves near the song, a row each; a vector that a move lacks is zero."""

    clip_ids: list[str]
    quality: np.ndarray
    vectors: dict[str, np.ndarray]


def search_moves(vectors: Vectors, *, difficulty: str | None = None, energy_level: str | None = None) -> list[Found]:
    """Return the moves that go with these vectors, by their KINDS, best first.

    When fewer than five fit, moves of any energy are searched, then moves of any difficulty.
    """
    if not vectors or not vectors.keys() <= set(KINDS):
        raise ValueError(f"the query has {', '.join(vectors) or 'no vector'}; it may have {', '.join(KINDS)}.")
    asked = {name: np.asarray(vectors[name], np.float64) for name in KINDS if name in vectors}
    filters = {name: word for name, word in (("difficulty", difficulty), ("energy_level", energy_level)) if word}
    candidates_of = _ask_elasticsearch if settings.ELASTICSEARCH_URL else _read_index_file
    found = _ranked(asked, candidates_of(asked, filters))
    for name in ("energy_level", "difficulty"):
        if len(found) < FEWEST_HITS and name in filters:
            del filters[name]
            found = _ranked(asked, candidates_of(asked, filters))
    return found


def _ranked(asked: dict[str, np.ndarray], candidates: Candidates) -> list[Found]:
    cosines = {name: _cosines(candidates.vectors[name], vector) for name, vector in asked.items()}
    near = cosines[_neighbour_kind(asked)]
    nearest = _best_first(range(len(candidates.clip_ids)), near, candidates.clip_ids)[:MOST_HITS]
    good = [row for row in nearest if candidates.quality[row] >= LEAST_QUALITY]
    # A vector that is not asked for counts as cosine 0.
    scores: Any = sum(weight * (cosines.get(name, 0.0) + 1) / 2 for name, weight in WEIGHTS.items())
    return [
        Found(candidates.clip_ids[row], float(scores[row])) for row in _best_first(good, scores, candidates.clip_ids)
    ]


def _best_first(rows: Any, scores: np.ndarray, clip_ids: list[str]) -> list[int]:
    rounded = np.round(scores, TIE_DECIMALS)
    return sorted(rows, key=lambda row: (-rounded[row], clip_ids[row]))


def _neighbour_kind(asked: Mapping[str, Any]) -> str:
    return next(iter(asked))


def _cosines(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float64)
    # Sum row by row: the sums of a matrix product may differ in the last digit, but equal moves must have equal scores.
    products = (rows * vector).sum(axis=1)
    lengths = np.sqrt((rows * rows).sum(axis=1) * (vector * vector).sum())
    cosines: np.ndarray = np.divide(products, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    return cosines


def _ask_elasticsearch(asked: dict[str, np.ndarray], filters: Mapping[str, str]) -> Candidates:
    from elasticsearch import Elasticsearch  # noqa: PLC0415 - takes as long to import as all of Django

    kind = _neighbour_kind(asked)
    knn = {
        "field": f"{kind}_embedding",
        "query_vector": asked[kind].tolist(),
        "k": CANDIDATES,
        "num_candidates": CANDIDATES,
        # In a flat index a filter lets moves without the vector through, unless it asks for the vector.
        "filter": [
            {"exists": {"field": f"{kind}_embedding"}},
            *({"term": {field: word}} for field, word in filters.items()),
        ],
    }
    # Ask for the exact vectors of all candidates: Elasticsearch compares quantised ones, so its order is not exact.
    fields = [f"{name}_embedding" for name in asked]
    with Elasticsearch(settings.ELASTICSEARCH_URL, request_timeout=TIMEOUT_S) as client:
        # The server takes names here; the client's types know fewer forms.
        wanted: Any = {"source": ["quality_score"], "fields": fields}
        answer = client.search(index=INDEX, knn=knn, size=CANDIDATES, **wanted)
    hits = answer["hits"]["hits"]
    quality = np.array([hit["_source"]["quality_score"] for hit in hits], np.float64)
    vectors = {name: _vectors(hits, f"{name}_embedding", len(vector)) for name, vector in asked.items()}
    return Candidates([hit["_id"] for hit in hits], quality, vectors)


def _vectors(hits: list[Any], field: str, length: int) -> np.ndarray:
    rows = np.zeros((len(hits), length), np.float32)
    for row, hit in zip(rows, hits, strict=True):
        row[:] = np.ravel(hit.get("fields", {}).get(field, 0.0))
    return rows


def _read_index_file(asked: dict[str, np.ndarray], filters: Mapping[str, str]) -> Candidates:
    sections = _sections(Path(settings.MOVES_LIBRARY, INDEX_FILE))
    # A move without the vector is left out.
    wanted = sections[_neighbour_kind(asked)].any(axis=1)
    for name, word in filters.items():
        wanted = wanted & (sections[name] == CODES[name].index(word))
    rows = np.flatnonzero(wanted)
    ends = [0, *sections["clip_ids_ends"].tolist()]
    texts = sections["clip_ids"].tobytes()
    return Candidates(
        [texts[ends[row] : ends[row + 1]].decode() for row in rows],
        sections["quality"][rows],
        {name: sections[name][rows] for name in asked},
    )


def _sections(path: Path) -> dict[str, np.ndarray]:
    """Map the parts of an index file, as docs/reference/search.md lays it out."""
    if not path.is_file():
        raise SearchFailedError(f"There is no {path}. Make it: bachateo library index {path.parent}")
    raw = np.memmap(path, np.uint8, "r")
    version, length, checksum = (int.from_bytes(raw[at : at + 4].tobytes(), "little") for at in (8, 12, 16))
    header = raw[HEADER_AT : HEADER_AT + length].tobytes()
    if (raw[:8].tobytes(), version, checksum) != (MAGIC, VERSION, zlib.crc32(header)):
        what = f"{path} is no index of layout {VERSION}, or damaged"
        raise SearchFailedError(f"{what}. Make it anew: bachateo library index {path.parent}")
    facts = json.loads(header)
    if not _is_of(facts["library"], path.with_name("library.json")):
        raise SearchFailedError(
            f"{path} is older than library.json. Make it anew: bachateo library index {path.parent}"
        )
    return {name: _section(raw, place) for name, place in facts["sections"].items()}


def _is_of(stamp: Mapping[str, Any], library: Path) -> bool:
    if not library.is_file():
        return False
    status = library.stat()
    if status.st_size != stamp.get("size"):
        return False
    same_time = status.st_mtime_ns == stamp.get("mtime_ns")
    return same_time or hashlib.sha256(library.read_bytes()).hexdigest() == stamp.get("sha256")


def _section(raw: np.ndarray, facts: Mapping[str, Any]) -> np.ndarray:
    dtype, shape = np.dtype(facts["dtype"]), tuple(facts["shape"])
    end = facts["offset"] + dtype.itemsize * int(np.prod(shape))
    section: np.ndarray = raw[facts["offset"] : end].view(dtype).reshape(shape)
    return section

"""Requests over HTTP as clients of our index make them, and wrong ones, from a seed."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MAPPING = {
    "dynamic": "strict",
    "properties": {
        "v": {
            "type": "dense_vector",
            "dims": 3,
            "index": True,
            "similarity": "cosine",
            "index_options": {"type": "flat"},
        },
        "name": {"type": "keyword"},
        "level": {"type": "float"},
        "frames": {"type": "integer"},
        "path": {"type": "text"},
        "made": {"type": "date"},
    },
}
IDS = [f"d{number}" for number in range(12)]
NAMES = ("x", "y", "z", "ñandú")


@dataclass(frozen=True)
class Request:
    """A request, and what it is about."""

    kind: str
    method: str
    path: str
    body: bytes | None = None


class Requests:
    """Makes requests of every kind in turn; the same from the same seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - a sample, no secret
        self.kinds: Sequence[Callable[[], Request]] = (
            self.neighbours,
            self.wrong_neighbours,
            self.matching,
            self.wrong_matching,
            self.count,
            self.several,
            self.get,
            self.write,
            self.write_wrongly,
            self.whole_index,
        )

    def first(self) -> list[Request]:
        """Return what makes the index: its mapping, and documents of every form."""
        lines = [part for name in IDS[:9] for part in ({"index": {"_id": name}}, self.document())]
        return [
            Request("create", "PUT", "/moves", _json({"mappings": MAPPING})),
            Request("fill", "POST", "/moves/_bulk?refresh=true", _lines(lines)),
        ]

    def some(self, count: int) -> Iterator[Request]:
        """Return requests of every kind in turn."""
        for number in range(count):
            yield self.kinds[number % len(self.kinds)]()

    def vector(self) -> list[float]:
        return [self.rng.choice((-1, 1)) * self.rng.randint(1, 99) / 4 for _ in range(3)]

    def document(self) -> dict[str, Any]:
        rng = self.rng
        whole = {
            "v": self.vector(),
            "name": rng.choice((*NAMES, 7, ["x", "z"])),
            "level": rng.choice((0, 0.25, 0.5, 1, "0.75")),
            "frames": rng.choice((3, 104, 7.5, "12")),
            "path": "p/a.mp4",
            "made": rng.choice(("2025-11-01T12:00:00Z", "2025-11-01", 17)),
        }
        return {name: value for name, value in whole.items() if rng.random() < 0.8} | {"name": whole["name"]}

    def filter(self) -> Any:
        rng = self.rng
        simple = [
            {"term": {"name": rng.choice(NAMES)}},
            {"term": {"name": {"value": rng.choice(NAMES)}}},
            {"term": {"level": rng.choice((0.25, "0.5", 1))}},
            {"term": {"frames": rng.choice((3, 104, 7.5))}},
            {"term": {"nowhere": 1}},
            {"terms": {"name": rng.sample(NAMES, 2)}},
            {"range": {"level": {rng.choice(("gt", "gte")): 0.25, rng.choice(("lt", "lte")): 0.75}}},
            {"range": {"name": {"gte": rng.choice(NAMES)}}},
            {"range": {"frames": {"lt": "104"}}},
            {"exists": {"field": rng.choice(("v", "level", "nowhere"))}},
            {"ids": {"values": rng.sample(IDS, 4)}},
            {"match_all": {}},
        ]
        one, other, third = rng.sample(simple, 3)
        return rng.choice((one, one, {"bool": {"filter": [one, other], "must_not": third}}, {"bool": {"must": one}}))

    def wrong_filter(self) -> Any:
        return self.rng.choice(
            (
                {"nonsense": {}},
                {"term": {"level": "x"}},
                {"term": {"name": ["x"]}},
                {"term": {"name": "x", "level": 1}},
                {"term": {"name": {"value": "x", "zzz": 1}}},
                {"terms": {"name": "x"}},
                {"range": {"level": {"gte": "high"}}},
                {"range": {"level": {"zzz": 1}}},
                {"bool": {"zzz": []}},
                {"bool": {"filter": {"nonsense": {}}}},
            )
        )

    def knn(self, **changed: Any) -> dict[str, Any]:
        exists = {"exists": {"field": "v"}}
        some: dict[str, Any] = self.rng.choice(({}, {"filter": [exists, self.filter()]}))
        every: dict[str, Any] = self.rng.choice(({"filter": self.filter()}, {"filter": [self.filter()] * 2}))
        # A filter alone lets all without a vector through, equally far: which of them come first is not said.
        filters, k = self.rng.choice(((some, self.rng.randint(1, 8)), (every, len(IDS))))
        usual = {"field": "v", "query_vector": self.vector(), "k": k, "num_candidates": k + self.rng.randint(0, 8)}
        again = self.rng.choice(({}, {"rescore_vector": {"oversample": 1.0}}))
        return {**usual, **filters, **again, **changed}

    def shown(self) -> dict[str, Any]:
        rng = self.rng
        sources = (
            {},
            {"_source": False},
            {"_source": ["name", "level"]},
            {"_source": {"includes": ["name", "made"], "excludes": ["made"]}},
            {"_source": {"exclude_vectors": False, "includes": ["name", "v"]}},
        )
        fields = rng.choice(({}, {"fields": ["v"]}, {"fields": [{"field": "name"}, {"field": "v"}]}))
        return {**rng.choice(sources), **fields, "size": rng.choice((0, len(IDS), 20))}

    def parts(self) -> str:
        some = ("", "?filter_path=hits.hits._id,hits.hits._score", "?allow_partial_search_results=false")
        return self.rng.choice(some)

    def neighbours(self) -> Request:
        field = {"field": self.rng.choice(("v", "v", "v", "nowhere"))}
        body = {"knn": self.knn(**field), **self.shown()}
        return Request("neighbours", "POST", f"/moves/_search{self.parts()}", _json(body))

    def wrong_neighbours(self) -> Request:
        wrong = self.rng.choice(
            (
                {"k": 20, "num_candidates": 10},
                {"k": 0},
                {"num_candidates": 10_001},
                {"field": "name"},
                {"query_vector": [1, 0]},
                {"query_vector": [0, 0, 0]},
                {"query_vector": [1e30, 0, 0]},
                {"query_vector": [1, "x", 0]},
                {"zzz": 1},
                {"filter": self.wrong_filter()},
                {"filter": [self.filter(), self.wrong_filter()]},
            )
        )
        right = self.knn(filter=self.filter(), k=len(IDS), num_candidates=len(IDS))
        path, body = self.rng.choice(
            (
                ("/moves/_search", {"knn": {**right, **wrong}}),
                ("/moves/_search", {"knn": {**right, **wrong}}),
                ("/moves/_search", {"knn": {**right, **wrong}}),
                ("/gone/_search", {"knn": right}),
                ("/moves/_search", {"knn": right, "size": 10_001}),
                ("/moves/_search?zzz=1", {"knn": right}),
            )
        )
        return Request("wrong neighbours", "POST", path, _json(body))

    def matching(self) -> Request:
        body = {"query": self.filter(), "sort": ["_doc"], **self.shown()}
        return Request("matching", "POST", f"/moves/_search{self.parts()}", _json(body))

    def wrong_matching(self) -> Request:
        wrong = self.rng.choice(
            ({"query": self.wrong_filter()}, {"query": {}}, {"size": -1}, {"size": 10_001}, {"zzz": {}})
        )
        body = {"query": {"match_all": {}}, "sort": ["_doc"], **wrong}
        return Request("wrong matching", "POST", "/moves/_search", _json(body))

    def count(self) -> Request:
        queries: tuple[Any, ...] = ({"query": self.filter()}, {"query": self.wrong_filter()}, {"zzz": {}}, {})
        body = self.rng.choice((queries[0], *queries))
        return Request("count", self.rng.choice(("GET", "POST")), "/moves/_count", _json(body))

    def several(self) -> Request:
        bodies = [{"knn": self.knn(), **self.shown()}, {"query": self.filter(), "sort": ["_doc"], "_source": False}]
        wrong = self.rng.choice(({"knn": self.knn(query_vector=[1, 0])}, {"knn": self.knn(k=20, num_candidates=2)}))
        path, chosen = self.rng.choice((("/moves", bodies), ("/moves", [*bodies, wrong]), ("/gone", bodies)))
        parts = self.rng.choice(("", "?filter_path=responses.hits.hits._id,responses.status,responses.error"))
        return Request("several", "POST", f"{path}/_msearch{parts}", _lines([p for body in chosen for p in ({}, body)]))

    def get(self) -> Request:
        ids = self.rng.sample([*IDS, "", "unknown"], 4)
        body: Any = self.rng.choice(({"ids": ids}, {"ids": ids}, {"ids": []}, {}, {"zzz": ["a"]}))
        path = self.rng.choice(
            ("/moves/_mget", "/moves/_mget?_source=false", "/moves/_mget?_source_includes=name,level", "/gone/_mget")
        )
        return Request("get", "POST", path, _json(body))

    def write(self) -> Request:
        parts: list[Any] = []
        for _ in range(self.rng.randint(1, 4)):
            kind = self.rng.choice(("index", "index", "create", "delete"))
            parts += [{kind: {"_id": self.rng.choice(IDS)}}] + ([] if kind == "delete" else [self.document()])
        return Request("write", "POST", "/moves/_bulk?refresh=true", _lines(parts))

    def write_wrongly(self) -> Request:
        identity = self.rng.choice(IDS)
        head: Any = {"index": {"_id": identity}}
        documents: tuple[Any, ...] = (
            {"v": [1, 2]},
            {"v": [1, 2, 3, 4]},
            {"v": [0, 0, 0]},
            {"v": [1e30, 0, 0]},
            {"v": [1e39, 0, 0]},
            {"v": [1e-30, 0, 0]},
            {"v": [1, "2", 3]},
            {"frames": "many"},
            {"level": "high"},
            {"level": 1e39},
            {"made": ""},
            {"made": "yesterday"},
            {"zzz": 1},
            {"name": "a" * 32_767},
        )
        rng = self.rng
        if rng.random() < 0.6:
            parts = [p for document in rng.sample(documents, 2) for p in (head, document)]
            return Request("write wrongly", "POST", "/moves/_bulk?refresh=true", _lines(parts))
        path, body = rng.choice(
            (
                ("/moves/_bulk", b""),
                ("/moves/_bulk", b"\n"),
                ("/moves/_bulk", _lines([head, {}])[:-1]),
                ("/moves/_bulk", _lines([head])),
                ("/moves/_bulk", _lines([{"upsert": {"_id": identity}}, {}])),
                ("/moves/_bulk", _lines([{"index": {"_id": identity, "zzz": 1}}, {}])),
                ("/moves/_bulk", _lines([{"index": {"_id": ""}}, {}])),
                ("/moves/_bulk", _lines([{"index": {"_id": "i" * 513}}, {}])),
                ("/moves/_bulk?zzz=1", _lines([head, {}])),
                ("/_bulk", _lines([head, {}])),
                ("/gone/_bulk", _lines([{"delete": {"_id": identity}}])),
            )
        )
        return Request("write wrongly", "POST", path, body)

    def whole_index(self) -> Request:
        of_field: Callable[[Any], bytes] = lambda field: _json({"mappings": {"properties": {"f": field}}})  # noqa: E731
        method, path, body = self.rng.choice(
            (
                ("HEAD", "/moves", None),
                ("HEAD", "/gone", None),
                ("GET", "/moves/_mapping", None),
                ("GET", "/gone/_mapping", None),
                ("DELETE", "/gone", None),
                ("POST", "/moves/_refresh", None),
                ("POST", "/gone/_refresh", None),
                ("PUT", "/moves", _json({"mappings": MAPPING})),
                ("PUT", "/Bad", _json({})),
                ("PUT", "/_bad", _json({})),
                ("PUT", "/bad", _json({"zzz": 1})),
                ("PUT", "/bad", of_field({"type": "vector"})),
                ("PUT", "/bad", of_field({"type": "keyword", "zzz": 2})),
                ("PUT", "/bad", of_field({**MAPPING["properties"]["v"], "dims": 5000})),  # type: ignore[index]
                ("PUT", "/moves/_search", _json({})),
                ("PATCH", "/moves", None),
                ("GET", "/moves/_nothing", None),
            )
        )
        return Request("whole index", method, path, body)


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()


def _lines(parts: Sequence[Any]) -> bytes:
    return "".join(f"{json.dumps(part)}\n" for part in parts).encode()

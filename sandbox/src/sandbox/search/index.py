"""One index: its documents, which of them a search can already find, and the search for neighbours."""

import math
import operator
import struct
from collections.abc import Mapping
from typing import Any

from sandbox.search.errors import RefusedError, unknown
from sandbox.search.filters import all_of
from sandbox.search.mapping import Fields

KNN_KEYS = {"field", "query_vector", "k", "num_candidates", "filter", "rescore_vector"}
SEARCH_KEYS = {"knn", "query", "sort", "size", "_source", "fields"}
MOST_CANDIDATES = RESULT_WINDOW = 10_000
USUAL_SIZE = 10

Document = dict[str, Any]


class Index:
    """Documents by id. Reading one sees every write; counting and searching see what was there at the last refresh."""

    def __init__(self, name: str, mappings: Mapping[str, Any]) -> None:
        self.name, self.fields = name, Fields(mappings)
        self.documents: dict[str, Document] = {}
        self.searchable: dict[str, Document] = {}
        self.versions: dict[str, int] = {}

    def put(self, identity: str, document: Any, *, only_new: bool) -> str:
        """Write a document; return ``created`` or ``updated``."""
        self.fields.check(document)
        there = identity in self.documents
        if there and only_new:
            raise RefusedError(
                409, "version_conflict_engine_exception", f"[{identity}]: version conflict, document already exists"
            )
        self.documents[identity] = document
        self.versions[identity] = self.versions.get(identity, 0) + 1
        return "updated" if there else "created"

    def remove(self, identity: str) -> str:
        """Remove a document; return ``deleted`` or ``not_found``."""
        return "not_found" if self.documents.pop(identity, None) is None else "deleted"

    def refresh(self) -> None:
        """Let searches see what was written."""
        self.searchable = dict(self.documents)

    def count(self, body: Mapping[str, Any]) -> int:
        """Return how many documents a query lets through."""
        if strange := set(body) - {"query"}:
            raise unknown(f"request does not support {sorted(strange)}")
        test = all_of(body.get("query", {"match_all": {}}), self.fields)
        return sum(test(*one) for one in self.searchable.items())

    def get(self, identity: str, selection: Any) -> Document:
        """Return one document as ``_mget`` does."""
        head = {"_index": self.name, "_id": identity}
        if identity not in self.documents:
            return {**head, "found": False}
        document = self.documents[identity]
        return {
            **head,
            "_version": self.versions[identity],
            "found": True,
            **self._selected(document, selection),
        }

    def search(self, body: Mapping[str, Any]) -> Document:
        """Return the hits of a kNN search, or of a query in the order of writing."""
        if strange := set(body) - SEARCH_KEYS:
            raise unknown(f"unknown key for a search in this stand-in: {sorted(strange)}")
        size = body.get("size", USUAL_SIZE)
        if not isinstance(size, int) or not 0 <= size <= RESULT_WINDOW:
            raise RefusedError(400, "illegal_argument_exception", f"Result window is too large: [{size}]")
        found = self._found(body)
        wanted = body.get("fields", [])
        hits = [
            {
                "_index": self.name,
                "_id": identity,
                "_score": score,
                **self._selected(self.searchable[identity], body.get("_source", True)),
                **self._fields(self.searchable[identity], wanted),
            }
            for score, identity in found[:size]
        ]
        return {
            "total": {"value": len(found), "relation": "eq"},
            "max_score": found[0][0] if found else None,
            "hits": hits,
        }

    def _found(self, body: Mapping[str, Any]) -> list[tuple[float | None, str]]:
        if ("knn" in body) == ("query" in body):
            raise unknown("this stand-in knows searches with [knn] only, or with [query] only")
        if "knn" in body:
            return [*self._nearest(body["knn"])]
        if body.get("sort") != ["_doc"]:
            raise unknown(f'this stand-in sorts a [query] by ["_doc"] only, not by {body.get("sort")}')
        test = all_of(body["query"], self.fields)
        return [(None, identity) for identity, document in self.searchable.items() if test(identity, document)]

    def _nearest(self, knn: Any) -> list[tuple[float, str]]:
        name, k, query = self._checked(knn)
        test = all_of(knn.get("filter", []), self.fields)
        length = math.sqrt(_dot(query, query))
        # With a filter, a flat index gives a document without the vector too.
        keeps_others = knn.get("filter") and self.fields.is_flat(name)
        scored = [
            (_similarity(query, length, vector), identity)
            for identity, document in self.searchable.items()
            if ((vector := document.get(name)) is not None or keeps_others) and test(identity, document)
        ]
        # Equal scores stay in the order of writing, as they do in one segment.
        return sorted(scored, key=lambda hit: -hit[0])[:k]

    def _checked(self, knn: Any) -> tuple[str, int, list[float]]:
        if not isinstance(knn, dict) or (strange := set(knn) - KNN_KEYS):
            raise unknown(f"[knn] unknown field {sorted(strange) if isinstance(knn, dict) else knn!r}")
        if missing := {"field", "query_vector", "k", "num_candidates"} - set(knn):
            raise unknown(f"[knn] needs {sorted(missing)} here")
        name, k, candidates = knn["field"], knn["k"], knn["num_candidates"]
        if not (isinstance(k, int) and isinstance(candidates, int) and 1 <= k <= candidates <= MOST_CANDIDATES):
            raise RefusedError(
                400,
                "action_request_validation_exception",
                f"[num_candidates] {candidates} cannot be less than [k] {k}, nor more than {MOST_CANDIDATES}",
            )
        if name not in self.fields.properties:
            raise RefusedError(400, "query_shard_exception", f"field [{name}] does not exist in the mapping")
        if not self.fields.is_vector(name):
            raise RefusedError(
                400, "query_shard_exception", f"[knn] queries are only supported on [dense_vector] fields, not [{name}]"
            )
        try:
            return name, k, self.fields.vector(name, knn["query_vector"])
        except RefusedError as error:
            raise RefusedError(400, "query_shard_exception", error.reason) from error

    def _selected(self, document: Document, selection: Any) -> Document:
        """Return ``_source``; since 9.2 without vectors unless they are asked for with ``exclude_vectors: false``."""
        if selection is False:
            return {}
        chosen = selection if isinstance(selection, dict) else {"includes": None if selection is True else selection}
        if strange := set(chosen) - {"includes", "excludes", "exclude_vectors"}:
            raise unknown(f"[_source] does not support {sorted(strange)}")
        includes, excludes = (_names(chosen.get(name)) for name in ("includes", "excludes"))
        no_vectors = chosen.get("exclude_vectors", True)
        shown = {
            name: value
            for name, value in document.items()
            if (includes is None or name in includes)
            and name not in (excludes or ())
            and not (no_vectors and self.fields.is_vector(name))
        }
        return {"_source": shown}

    def _fields(self, document: Document, wanted: Any) -> Document:
        names = [entry["field"] if isinstance(entry, dict) else entry for entry in wanted]
        if strange := [name for name in names if "*" in name]:
            raise unknown(f"[fields] patterns are unknown to this stand-in: {strange}")
        values = {name: document[name] for name in names if document.get(name) is not None}
        values |= {name: _single_digits(values[name]) for name in values if self.fields.is_vector(name)}
        listed = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
        return {"fields": listed} if listed else {}


def _names(value: Any) -> list[str] | None:
    if value is None:
        return None
    names = [value] if isinstance(value, str) else list(value)
    if strange := [name for name in names if "*" in name]:
        raise unknown(f"[_source] patterns are unknown to this stand-in: {strange}")
    return names


def _dot(a: list[float], b: list[float]) -> float:
    return math.fsum(map(operator.mul, a, b))


def _similarity(query: list[float], length: float, vector: list[float] | None) -> float:
    if vector is None:
        return 0.0
    return _single((1 + _dot(query, vector) / (length * math.sqrt(_dot(vector, vector)))) / 2)


def _single_digits(vector: list[float]) -> list[float]:
    """Return numbers with the digits that single precision has, in which Elasticsearch keeps them."""
    return [float(f"{number:.9g}") for number in vector]


def _single(score: float) -> float:
    """Return a score in single precision, in which Elasticsearch computes and compares them."""
    return float(struct.unpack("<f", struct.pack("<f", score))[0])

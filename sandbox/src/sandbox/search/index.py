"""One index: its documents, which of them a search can already find, and the search for neighbours."""

import math
import operator
import secrets
import struct
from collections.abc import Mapping
from typing import Any

from sandbox.search.errors import (
    OF_ELASTICSEARCH,
    PARSED,
    CreationError,
    RefusedError,
    ShardError,
    illegal,
    not_parsed,
    unknown,
)
from sandbox.search.filters import Test, all_of
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
        self.uuid = secrets.token_urlsafe(16)
        self.documents: dict[str, Document] = {}
        self.searchable: dict[str, Document] = {}
        # Of each id that was ever written or deleted, and of all writes.
        self.versions: dict[str, int] = {}
        self.numbers: dict[str, int] = {}

    def put(self, identity: str, document: Any, *, only_new: bool) -> str:
        """Write a document; return ``created`` or ``updated``."""
        self.fields.check(identity, document)
        there = identity in self.documents
        if there and only_new:
            current = f"current version [{self.versions[identity]}]"
            reason = f"[{identity}]: version conflict, document already exists ({current})"
            more = {"index_uuid": self.uuid, "shard": "0", "index": self.name}
            raise RefusedError(409, "version_conflict_engine_exception", reason, more=more)
        self.documents.pop(identity, None)  # a document that is written again comes last
        self.documents[identity] = document
        self._count(identity)
        return "updated" if there else "created"

    def remove(self, identity: str) -> str:
        """Remove a document; return ``deleted`` or ``not_found``."""
        there = self.documents.pop(identity, None) is not None
        self._count(identity)
        return "deleted" if there else "not_found"

    def _count(self, identity: str) -> None:
        self.versions[identity] = self.versions.get(identity, 0) + 1
        self.numbers[identity] = max(self.numbers.values(), default=-1) + 1

    def written(self, identity: str) -> Document:
        """Return what was last written of a document: its version, and which write of the index it was."""
        return {"_version": self.versions[identity], "_seq_no": self.numbers[identity], "_primary_term": 1}

    def refresh(self) -> None:
        """Let searches see what was written."""
        self.searchable = dict(self.documents)

    def count(self, body: Mapping[str, Any]) -> int:
        """Return how many documents a query lets through."""
        if strange := set(body) - {"query"}:
            raise unknown(f"request does not support [{min(strange)}]")
        try:
            test = self._test(body.get("query", {"match_all": {}}), "query")
        except RefusedError as error:
            if error.kind in {PARSED, "illegal_argument_exception"}:
                wrapped = unknown("Failed to parse")
                wrapped.caused_by = error
                raise wrapped from error
            raise
        return sum(test(*one) for one in self.searchable.items())

    def get(self, identity: str, selection: Any) -> Document:
        """Return one document as ``_mget`` does."""
        head = {"_index": self.name, "_id": identity}
        if identity not in self.documents:
            return {**head, "found": False}
        document = self.documents[identity]
        return {**head, **self.written(identity), "found": True, **self._selected(document, selection)}

    def search(self, body: Mapping[str, Any]) -> Document:
        """Return the hits of a kNN search, or of a query in the order of writing."""
        if strange := set(body) - SEARCH_KEYS:
            raise unknown(f"Unknown key for a START_OBJECT in [{min(strange)}].")
        size = body.get("size", USUAL_SIZE)
        if size < 0:
            raise illegal(f"[size] parameter cannot be negative, found [{size}]")
        if ("knn" in body) == ("query" in body):
            raise unknown("this stand-in knows searches with [knn] only, or with [query] only")
        found = self._nearest(body["knn"], size) if "knn" in body else self._matching(body, size)
        wanted = body.get("fields", [])
        hits = [
            {
                "_index": self.name,
                "_id": identity,
                "_score": score,
                **self._selected(self.searchable[identity], body.get("_source", True)),
                **self._fields(self.searchable[identity], wanted),
                **({} if "knn" in body else {"sort": [self.numbers[identity]]}),
            }
            for score, identity in found[:size]
        ]
        return {
            "total": {"value": len(found), "relation": "eq"},
            "max_score": found[0][0] if hits else None,
            "hits": hits,
        }

    def _test(self, query: Any, phase: str) -> Test:
        try:
            return all_of(query, self.fields)
        except CreationError as error:
            raise ShardError(self.name, self.uuid, phase, error) from error

    def _check_size(self, size: int, phase: str) -> None:
        if size > RESULT_WINDOW:
            reason = (
                f"Result window is too large, from + size must be less than or equal to: [{RESULT_WINDOW}] but was "
                f"[{size}]. See the scroll api for a more efficient way to request large data sets. This limit can be "
                "set by changing the [index.max_result_window] index level setting."
            )
            raise ShardError(self.name, self.uuid, phase, illegal(reason))

    def _matching(self, body: Mapping[str, Any], size: int) -> list[tuple[float | None, str]]:
        if body.get("sort") != ["_doc"]:
            raise unknown(f'this stand-in sorts a [query] by ["_doc"] only, not by {body.get("sort")}')
        test = self._test(body["query"], "query")
        self._check_size(size, "query")
        return [(None, identity) for identity, document in self.searchable.items() if test(identity, document)]

    def _nearest(self, knn: Any, size: int) -> list[tuple[float | None, str]]:
        name, k = _checked(knn)
        try:
            test = self._test(knn.get("filter", []), "dfs")
        except RefusedError as error:
            if error.kind in OF_ELASTICSEARCH or error.kind == PARSED:
                raise not_parsed("[knn] failed to parse field [filter]", error) from error
            raise
        self._check_size(size, "dfs")
        if name not in self.fields.properties:
            return []
        query = self._asked_vector(name, knn["query_vector"])
        length = math.sqrt(_dot(query, query))
        # With a filter, a flat index gives a document without the vector too.
        keeps_others = knn.get("filter") and self.fields.is_flat(name)
        scored = [
            (_similarity(query, length, vector), identity)
            for identity, document in self.searchable.items()
            if ((vector := document.get(name)) is not None or keeps_others) and test(identity, document)
        ]
        # Equal scores stay in the order of writing, as they do in one segment.
        return [*sorted(scored, key=lambda hit: -hit[0])[:k]]

    def _asked_vector(self, name: str, vector: Any) -> list[float]:
        try:
            return self.fields.asked_vector(name, vector)
        except CreationError as error:
            raise ShardError(self.name, self.uuid, "dfs", error) from error

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
        listed = {name: self.fields.shown(name, document) for name in names if document.get(name) is not None}
        return {"fields": listed} if listed else {}


def _checked(knn: Any) -> tuple[str, int]:
    """Return the field and the number of neighbours that are asked for."""
    if strange := set(knn) - KNN_KEYS:
        raise not_parsed(f"[knn] unknown field [{min(strange)}]")
    if missing := {"field", "query_vector", "k", "num_candidates"} - set(knn):
        raise illegal(f"Required [{min(missing)}]")
    name, k, candidates = knn["field"], knn["k"], knn["num_candidates"]
    for number in knn["query_vector"]:
        try:
            float(number)
        except ValueError as error:
            cause = CreationError(f'For input string: "{number}"', "number_format_exception")
            raise not_parsed("[knn] failed to parse field [query_vector]", cause) from error
    if k < 1:
        raise illegal("[k] must be greater than 0")
    if candidates < k:
        raise illegal("[num_candidates] cannot be less than [k]")
    if candidates > MOST_CANDIDATES:
        raise illegal(f"[num_candidates] cannot exceed [{MOST_CANDIDATES}]")
    return name, k


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


def _single(score: float) -> float:
    """Return a score in single precision, in which Elasticsearch computes and compares them."""
    return float(struct.unpack("<f", struct.pack("<f", score))[0])

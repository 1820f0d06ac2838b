"""The index that the original uses too: Elasticsearch, by its official client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

import elasticsearch
import numpy as np
from elasticsearch import ApiError, Elasticsearch, NotFoundError, SSLError, TransportError
from numpy.typing import NDArray
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from bachateo.errors import SearchError
from bachateo.moves.index import MoveIndex
from bachateo.moves.index.document import FIELDS, INDEX, MAPPING, VECTOR_DIMS, MoveDocument, Vector, vector_field
from bachateo.moves.index.query import NEIGHBOURS, MoveQuery, Neighbours, Scores, cosines_with, hit_rows
from bachateo.moves.index.ties import Rows, unsure_at_the_cut, unsure_in_order

CHUNK = 200  # documents of 40 KB in one request
TIMEOUT_S = 30.0
PATIENCE_S = 2.0
# The server has too much to do, or a proxy before it has lost it for a moment.
BUSY = {429, 502, 503, 504}
OF_THE_DOCUMENT = {400, 409, 413}
HITS = ("hits.hits._id", "hits.hits._score")

Answered = TypeVar("Answered")


class _BusyError(Exception):
    """The server took some documents only; later it may take the others."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__()
        self.error = error


class ElasticsearchMoveIndex(MoveIndex):
    """Finds moves by Elasticsearch's kNN and its similarities, which have single precision.

    Only the vectors of moves that these cannot tell apart are fetched, and compared in double precision.
    """

    def __init__(
        self,
        url: str,
        *,
        index: str = INDEX,
        timeout_s: float = TIMEOUT_S,
        budget_s: float | None = None,
        api_key: str | None = None,
    ) -> None:
        """Name the server, as ``http://127.0.0.1:9200``; nothing is asked of it yet.

        Parameters
        ----------
        url
            Where it is.
        index
            The name of the index.
        timeout_s
            So long one request may take, in seconds.
        budget_s
            So long all requests together may take, in seconds from the first on; a request that fails because the
            server is away or busy is sent again until then. ``None``: no limit, and sent again for ``PATIENCE_S``.
        api_key
            What the server knows this client by; ``None`` for a server that asks for nothing.
        """
        self.url, self.index = url, index
        self.timeout_s, self.budget_s = timeout_s, budget_s
        self._ends: float | None = None
        # Requests are sent again here, with pauses in between; the client would send them again at once.
        self.client = Elasticsearch(url, api_key=api_key, request_timeout=timeout_s, max_retries=0, http_compress=True)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def create(self) -> bool:
        """Create the index with the contract's mapping, unless it is there; return whether it was created."""
        if self.asked(lambda client: client.indices.exists(index=self.index)):
            return False
        try:
            self.asked(lambda client: client.indices.create(index=self.index, mappings=MAPPING))
        except SearchError as error:
            if (
                "resource_already_exists_exception" in error.message
            ):  # by another, or by a request whose answer was lost
                return False
            raise
        return True

    def add(self, documents: Iterable[MoveDocument]) -> int:
        """Add documents, or replace those of the same ``clip_id``; they can be found when this returns."""
        self.create()
        done, waiting = 0, iter(documents)
        while chunk := list(islice(waiting, CHUNK)):
            self._send(chunk)
            done += len(chunk)
        self.asked(lambda client: client.indices.refresh(index=self.index))
        return done

    def _send(self, documents: Sequence[MoveDocument]) -> None:
        self.write(self.index, [p for d in documents for p in ({"index": {"_id": d.clip_id}}, d.source())])

    def write(self, index: str, operations: Sequence[Mapping[str, Any]]) -> None:
        """Write and delete documents: the lines of a bulk request.

        Raises
        ------
        SearchError
            The server refuses one of them, or all.
        """
        if not operations:
            return
        parts = ["errors", *(f"items.*.{part}" for part in ("_id", "status", "error"))]

        def send(client: Elasticsearch) -> list[dict[str, Any]]:
            answer = client.bulk(index=index, operations=operations, filter_path=parts)
            outcomes = [outcome for item in answer["items"] for outcome in item.values()] if answer["errors"] else []
            refused = [outcome for outcome in outcomes if "error" in outcome]
            if any(outcome["status"] in BUSY for outcome in refused):
                raise _BusyError(refused[0]["error"])
            return refused

        if refused := self.asked(send):
            raise self._refused_documents(refused)

    def count(self) -> int:
        """Return how many moves there are."""
        return int(self.asked(lambda client: client.count(index=self.index))["count"])

    def finds(self) -> bool:
        """Return whether a search finds a move; in an index of another mapping it finds none, or is refused."""
        return any(self._nearest(name) for name in ("audio", "text"))

    def _nearest(self, name: str) -> list[dict[str, Any]]:
        """Return what is nearest to any vector."""
        vector = np.ones(VECTOR_DIMS[name], np.float32)
        knn = _knn(name, vector, 1, [{"exists": {"field": "quality_score"}}])
        return _hits(self.asked(lambda client: client.search(index=self.index, knn=knn, size=1, source=False)))

    def get_many(self, clip_ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the documents of moves without their vectors; ``None`` for an unknown move."""
        # No document has an empty id, and Elasticsearch refuses to look for one.
        asked = [clip_id for clip_id in dict.fromkeys(clip_ids) if clip_id]
        if not asked:
            return [None for _ in clip_ids]
        answer = self.asked(lambda client: client.mget(index=self.index, ids=asked, source_includes=list(FIELDS)))
        found = {document["_id"]: self._source(document) for document in answer["docs"]}
        return [found.get(clip_id) for clip_id in clip_ids]

    def neighbours(self, query: MoveQuery, filters: Mapping[str, str]) -> Neighbours:
        """Return the hits among Elasticsearch's candidates, with cosines that are exact wherever the order needs it."""
        name = query.neighbour_vector
        found = self._candidates(name, query.vectors[name], filters)
        unsure = unsure_at_the_cut((found.cosines[name] + 1) / 2)
        found = self._made_exact(found, unsure, {name: query.vectors[name]})
        hits = found.rows(hit_rows(query, found))
        if hits.clip_ids:
            others = {other: vector for other, vector in query.vectors.items() if other != name}
            hits = replace(hits, cosines={**hits.cosines, **self._similar(hits.clip_ids, others)})
            hits = self._made_exact(hits, unsure_in_order(hits.cosines), query.vectors)
        return hits

    def _candidates(self, name: str, vector: Vector, filters: Mapping[str, str]) -> Neighbours:
        terms = [{"term": {field: value}} for field, value in filters.items()]
        answer = self.asked(
            lambda client: client.search(
                index=self.index,
                knn=_knn(name, vector, NEIGHBOURS, terms),
                size=NEIGHBOURS,
                source={"includes": ["quality_score"]},
                allow_partial_search_results=False,
                filter_path=[*HITS, "hits.hits._source"],
            )
        )
        hits = _hits(answer)
        # A document without a quality score is not one of our moves: it is scored 0.
        quality = np.array([hit.get("_source", {}).get("quality_score") or 0.0 for hit in hits], np.float64)
        return Neighbours([hit["_id"] for hit in hits], quality, {name: _cosines(hits)})

    def _similar(self, clip_ids: Sequence[str], vectors: Mapping[str, Vector]) -> dict[str, Scores]:
        """Return the cosines of some moves with further vectors; 0 where a move has no such vector."""
        if not vectors:
            return {}
        searches: list[dict[str, Any]] = []
        for name, vector in vectors.items():
            knn = _knn(name, vector, len(clip_ids), [{"ids": {"values": list(clip_ids)}}])
            searches += [{}, {"knn": knn, "size": len(clip_ids), "_source": False}]
        parts = [f"responses.{part}" for part in (*HITS, "status", "error")]
        answers = self.asked(lambda client: client.msearch(index=self.index, searches=searches, filter_path=parts))
        rows = {clip_id: row for row, clip_id in enumerate(clip_ids)}
        cosines = {name: np.zeros(len(clip_ids)) for name in vectors}
        for name, answer in zip(vectors, answers["responses"], strict=True):
            if "error" in answer:
                raise self._refused(answer["error"])
            hits = _hits(answer)
            cosines[name][[rows[hit["_id"]] for hit in hits]] = _cosines(hits)
        return cosines

    def _made_exact(self, found: Neighbours, rows: Rows, vectors: Mapping[str, Vector]) -> Neighbours:
        """Return the neighbours with exact cosines in some rows."""
        if not len(rows):
            return found
        theirs = self._vectors([found.clip_ids[row] for row in rows], list(vectors))
        cosines = {name: values.copy() for name, values in found.cosines.items()}
        for name, vector in vectors.items():
            cosines[name][rows] = cosines_with(theirs[name], vector)
        return replace(found, cosines=cosines)

    def _vectors(self, clip_ids: Sequence[str], names: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return vectors of some moves; zeros where a move has none."""
        answer = self.asked(
            lambda client: client.search(
                index=self.index,
                query={"ids": {"values": list(clip_ids)}},
                size=len(clip_ids),
                sort=["_doc"],
                source=False,
                # Since 9.2 the source has no vectors unless asked otherwise; `fields` gives them in every version.
                fields=[{"field": vector_field(name)} for name in names],
                allow_partial_search_results=False,
                filter_path=[*HITS, "hits.hits.fields"],
            )
        )
        fields = {hit["_id"]: hit.get("fields", {}) for hit in _hits(answer)}
        found = {name: np.zeros((len(clip_ids), VECTOR_DIMS[name]), np.float32) for name in names}
        for row, clip_id in enumerate(clip_ids):
            for name in names:
                if (vector := fields.get(clip_id, {}).get(vector_field(name))) is not None:
                    found[name][row] = np.ravel(vector)
        return found

    def _source(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what ``_mget`` found of one document. An error is of the document; the answer as a whole has none."""
        error = document.get("error")
        if error is None:
            return document["_source"] if document["found"] else None
        raise self._refused(error, f"the document {document['_id']}: ")

    def asked(self, ask: Callable[[Elasticsearch], Answered]) -> Answered:
        """Return an answer; while the server is away or busy, ask again as long as the budget lasts.

        Raises
        ------
        SearchError
            The server refuses, or does not answer.
        """
        if self._ends is None and self.budget_s is not None:
            self._ends = time.monotonic() + self.budget_s
        patience_s = PATIENCE_S if self._ends is None else self._left_s()
        tries = Retrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_delay(patience_s),
            wait=wait_random_exponential(multiplier=0.1, max=2),
            reraise=True,
        )
        with self._told():
            return tries(lambda: ask(self.client.options(request_timeout=min(self.timeout_s, self._left_s()))))

    def told(self, hits: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield what a helper of the client yields; say in our own words what Elasticsearch refuses."""
        with self._told():
            yield from hits

    def _left_s(self) -> float:
        """Return what is left of the budget; never nothing, since the client takes that for no limit."""
        return self.timeout_s if self._ends is None else max(self._ends - time.monotonic(), 0.01)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in our own words what Elasticsearch refuses."""
        try:
            yield
        except NotFoundError as error:
            raise self._missing() from error
        except _BusyError as error:
            raise self._refused(error.error, "documents for now: ") from error
        except ApiError as error:
            raise SearchError("CH123", f"Elasticsearch at {self.url} refused: {error}.") from error
        except TransportError as error:
            raise SearchError(
                "CH124", f"Elasticsearch at {self.url} does not answer ({error}). Check that it runs there."
            ) from error

    def _refused_documents(self, refused: Sequence[Mapping[str, Any]]) -> SearchError:
        """Return why documents were not taken: a fault of one of them is told apart from one of the index."""
        first = refused[0]
        if first["status"] not in OF_THE_DOCUMENT:
            return self._refused(first["error"])
        reasons = [first["error"]["reason"], first["error"].get("caused_by", {}).get("reason", "")]
        return SearchError(
            "CH122",
            f"Elasticsearch refused {len(refused)} of the documents, first {first['_id']}: "
            f"{first['error']['type']}, {': '.join(filter(None, reasons))}. "
            "Correct it and send them again; the others that were sent are in the index.",
        )

    def _refused(self, error: Mapping[str, Any], what: str = "") -> SearchError:
        if error["type"] == "index_not_found_exception":
            return self._missing()
        return SearchError("CH123", f"Elasticsearch at {self.url} refused {what}{error['type']}, {error['reason']}.")

    def _missing(self) -> SearchError:
        return SearchError(
            "CH121",
            f"there is no index {self.index} at {self.url}. Make it: "
            f"bachateo library index DIR --elasticsearch {self.url}",
        )


def _may_pass(error: BaseException) -> bool:
    """Whether a request may be answered a moment later. One that took all its time would take it again."""
    if isinstance(error, _BusyError):
        return True
    if isinstance(error, ApiError):
        return error.status_code in BUSY
    return isinstance(error, elasticsearch.ConnectionError) and not isinstance(error, SSLError)


def _knn(name: str, vector: Vector, count: int, filters: Sequence[Any]) -> dict[str, Any]:
    return {
        "field": vector_field(name),
        # Nine digits are all that a number of 32 bits has.
        "query_vector": [float(f"{number:.9g}") for number in vector],
        "k": count,
        "num_candidates": count,
        # Where an index is flat and there is a filter, moves without the vector would be found too, with a score of 0.
        "filter": [{"exists": {"field": vector_field(name)}}, *filters],
        # In an index that quantises its vectors, the similarities of those it finds are exact all the same.
        "rescore_vector": {"oversample": 1.0},
    }


def _hits(answer: Any) -> list[dict[str, Any]]:
    # Only what was asked for is in the answer; where nothing was found, there is nothing.
    found: list[dict[str, Any]] = answer.get("hits", {}).get("hits", [])
    return found


def _cosines(hits: Sequence[Mapping[str, Any]]) -> Scores:
    return 2 * np.array([hit["_score"] for hit in hits], np.float64) - 1

"""The index that the original uses too: Elasticsearch, by its official client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from elasticsearch import ApiError, Elasticsearch, NotFoundError, TransportError
from elasticsearch.helpers import BulkIndexError, bulk

from bachateo.errors import SearchError
from bachateo.moves.index import MoveIndex
from bachateo.moves.index.document import FIELDS, INDEX, MAPPING, VECTOR_DIMS, MoveDocument, vector_field
from bachateo.moves.index.query import NEIGHBOURS, MoveQuery, Neighbours

CHUNK = 200  # documents of 40 KB in one request
TIMEOUT_S = 30


class ElasticsearchMoveIndex(MoveIndex):
    """Finds moves by Elasticsearch's kNN and scores them exactly.

    Elasticsearch compares quantised vectors, so its own scores and its order are nearly right. It is asked for the
    400 candidates, and their vectors are compared here in double precision.
    """

    def __init__(self, url: str, *, index: str = INDEX, timeout_s: float = TIMEOUT_S) -> None:
        """Name the server, as ``http://127.0.0.1:9200``; nothing is asked of it yet.

        Parameters
        ----------
        url
            Where it is.
        index
            The name of the index.
        timeout_s
            So long one request may take, in seconds.
        """
        self.url, self.index = url, index
        self.client = Elasticsearch(url, request_timeout=timeout_s)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def create(self) -> bool:
        """Create the index with the original's mapping, unless it is there; return whether it was created."""
        with self._told():
            if self.client.indices.exists(index=self.index):
                return False
            self.client.indices.create(index=self.index, mappings=MAPPING)
        return True

    def add(self, documents: Iterable[MoveDocument]) -> int:
        """Add documents, or replace those of the same ``clip_id``; they can be found when this returns."""
        self.create()
        actions = (
            {"_index": self.index, "_id": document.clip_id, "_source": document.source()} for document in documents
        )
        with self._told():
            done, _ = bulk(self.client, actions, chunk_size=CHUNK)
            self.client.indices.refresh(index=self.index)
        return int(done)

    def count(self) -> int:
        """Return how many moves there are."""
        with self._told():
            return int(self.client.count(index=self.index)["count"])

    def get_many(self, clip_ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the documents of moves without their vectors; ``None`` for an unknown move."""
        # No document has an empty id, and Elasticsearch refuses to look for one.
        asked = [clip_id for clip_id in dict.fromkeys(clip_ids) if clip_id]
        if not asked:
            return [None for _ in clip_ids]
        with self._told():
            answer = self.client.mget(index=self.index, ids=asked, source_includes=list(FIELDS))
        found = {document["_id"]: self._source(document) for document in answer["docs"]}
        return [found.get(clip_id) for clip_id in clip_ids]

    def neighbours(self, query: MoveQuery, filters: Mapping[str, str]) -> Neighbours:
        """Return Elasticsearch's candidates with their exact vectors."""
        name = query.neighbour_vector
        with self._told():
            answer = self.client.search(
                index=self.index,
                knn={
                    "field": vector_field(name),
                    "query_vector": query.vectors[name].tolist(),
                    "k": NEIGHBOURS,
                    "num_candidates": NEIGHBOURS,
                    "filter": [{"term": {field: value}} for field, value in filters.items()],
                },
                size=NEIGHBOURS,
                source={"includes": ["quality_score"]},
                # Since 9.2 the source has no vectors unless asked otherwise; `fields` gives them in every version.
                fields=[{"field": vector_field(name)} for name in query.vectors],
            )
        hits = answer["hits"]["hits"]
        return Neighbours(
            clip_ids=[hit["_id"] for hit in hits],
            quality=np.array([hit["_source"]["quality_score"] for hit in hits], np.float64),
            vectors={name: _vectors(hits, name) for name in query.vectors},
        )

    def _source(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what ``_mget`` found of one document. An error is of the document; the answer as a whole has none."""
        error = document.get("error")
        if error is None:
            return document["_source"] if document["found"] else None
        if error["type"] == "index_not_found_exception":
            raise self._missing()
        raise SearchError("CH123", f"Elasticsearch at {self.url} refused {document['_id']}: {error['reason']}.")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in our own words what Elasticsearch refuses."""
        try:
            yield
        except NotFoundError as error:
            raise self._missing() from error
        except BulkIndexError as error:
            raise SearchError(
                "CH122", f"Elasticsearch refused documents: {error.errors[0]}. Nothing after them was sent."
            ) from error
        except ApiError as error:
            raise SearchError("CH123", f"Elasticsearch at {self.url} refused: {error}.") from error
        except TransportError as error:
            raise SearchError(
                "CH124", f"Elasticsearch at {self.url} does not answer ({error}). Check that it runs there."
            ) from error

    def _missing(self) -> SearchError:
        return SearchError(
            "CH121",
            f"there is no index {self.index} at {self.url}. Make it: "
            f"bachateo library index DIR --elasticsearch {self.url}",
        )


def _vectors(hits: Sequence[Mapping[str, Any]], name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    vectors = np.zeros((len(hits), VECTOR_DIMS[name]), np.float32)
    for row, hit in enumerate(hits):
        if (vector := hit.get("fields", {}).get(vector_field(name))) is not None:
            vectors[row] = np.ravel(vector)
    return vectors

"""The index of a library in its own folder: exact, in memory-mapped files, nothing to install."""

from __future__ import annotations

import hashlib
import heapq
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bachateo.errors import SearchError
from bachateo.moves.index import MoveIndex
from bachateo.moves.index.document import VECTOR_DIMS, VECTORS_VERSION, MoveDocument
from bachateo.moves.index.layout import CODES, Layout, write_layout
from bachateo.moves.index.query import MOST_HITS, MoveQuery, Neighbours, cosines_with
from bachateo.moves.library import INDEX_NAME

FILE_NAME = "moves.index"
# Of a cosine in single precision; what is nearer to the last neighbour than this is compared exactly.
MARGIN = 1e-5
# Below this share of rows, reading them one by one is faster than multiplying all.
FEW = 1 / 16


class LocalMoveIndex(MoveIndex):
    """Finds moves by comparing the query with every one of them."""

    def __init__(self, path: Path) -> None:
        """Open the file of an index.

        Raises
        ------
        SearchError
            It is missing, damaged or of another version.
        """
        self.layout = Layout(path)

    @classmethod
    def of_library(cls, folder: Path) -> LocalMoveIndex:
        """Open the index of a library.

        Raises
        ------
        SearchError
            As the constructor; or the library has changed since the index was made.
        """
        index = cls(folder / FILE_NAME)
        if not is_fresh(index.layout.library, folder / INDEX_NAME):
            raise SearchError(
                "CH120",
                f"{INDEX_NAME} in {folder}, or how moves are described, has changed since its index was made. "
                f"Make it anew: bachateo library index {folder}",
            )
        return index

    @classmethod
    def create(
        cls, path: Path, documents: Iterable[MoveDocument], count: int, library: Mapping[str, Any] | None = None
    ) -> LocalMoveIndex:
        """Write an index of ``count`` documents, sorted by ``clip_id``, in place of what is there, and open it.

        Parameters
        ----------
        path
            The file to write.
        documents
            Sorted by ``clip_id``.
        count
            How many documents there are.
        library
            What the index remembers of the library.
        """
        write_layout(path, documents, count, library or {})
        return cls(path)

    def add(self, documents: Iterable[MoveDocument]) -> int:
        """Add documents, or replace those of the same ``clip_id``; the file is written anew."""
        new = {document.clip_id: document for document in documents}
        kept = [row for row in range(self.layout.count) if self._clip_id(row) not in new]
        merged = heapq.merge(
            (self._document(row) for row in kept),
            (new[clip_id] for clip_id in sorted(new)),
            key=lambda document: document.clip_id,
        )
        write_layout(self.layout.path, merged, len(kept) + len(new), self.layout.library)
        self.layout = Layout(self.layout.path)
        return len(new)

    def count(self) -> int:
        """Return how many moves there are."""
        return self.layout.count

    def get_many(self, clip_ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the documents of moves without their vectors; ``None`` for an unknown move."""
        return [None if row is None else self._fields(row) for row in map(self._row, clip_ids)]

    def neighbours(self, query: MoveQuery, filters: Mapping[str, str]) -> Neighbours:
        """Return the nearest moves: found in single precision, with a margin, so that none is missed."""
        name = query.neighbour_vector
        norms = self.layout.section("norms")[:, list(VECTOR_DIMS).index(name)]
        wanted = norms > 0
        for field, value in filters.items():
            wanted &= self.layout.section(field) == CODES[field].index(value)
        rows = np.flatnonzero(wanted)
        if len(rows) > MOST_HITS:
            products = _products(self.layout.section(name), query.vectors[name], rows)
            cosines = products / (norms[rows] * np.linalg.norm(query.vectors[name]))
            last = np.partition(cosines, -MOST_HITS)[-MOST_HITS]
            rows = rows[cosines >= last - MARGIN]
        return Neighbours(
            clip_ids=[self._clip_id(row) for row in rows.tolist()],
            quality=np.asarray(self.layout.section("quality")[rows]),
            cosines={n: cosines_with(self.layout.section(n)[rows], vector) for n, vector in query.vectors.items()},
        )

    def _row(self, clip_id: str) -> int | None:
        row = bisect_left(range(self.layout.count), clip_id, key=self._clip_id)
        return row if row < self.layout.count and self._clip_id(row) == clip_id else None

    def _clip_id(self, row: int) -> str:
        return self.layout.text("clip_ids", row).decode()

    def _fields(self, row: int) -> dict[str, Any]:
        return dict(json.loads(self.layout.text("documents", row)))

    def _document(self, row: int) -> MoveDocument:
        vectors = {name: np.array(self.layout.section(name)[row]) for name in VECTOR_DIMS}
        return MoveDocument(self._fields(row), {name: vector for name, vector in vectors.items() if vector.any()})


def _products(matrix: NDArray[np.float32], vector: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    # Not a matrix product: that one waits for as many threads as there are cores, which on a busy machine takes longer.
    if len(rows) < FEW * len(matrix):
        return np.asarray(np.einsum("ij,j->i", matrix[rows], vector))
    return np.asarray(np.einsum("ij,j->i", matrix, vector)[rows])


def library_stamp(index: Path) -> dict[str, Any]:
    """Return a stamp of a ``library.json`` and of the way its moves are described."""
    status = index.stat()
    with index.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "sha256": digest,
        "vectors": VECTORS_VERSION,
    }


def is_fresh(stamp: Mapping[str, Any], index: Path) -> bool:
    """Return whether an index with this stamp was made from this ``library.json``."""
    if not index.is_file():
        return False
    status = index.stat()
    if status.st_size != stamp.get("size") or stamp.get("vectors") != VECTORS_VERSION:
        return False
    # Reading a large library takes longer than a search; only after a copy is the content compared.
    return status.st_mtime_ns == stamp.get("mtime_ns") or library_stamp(index)["sha256"] == stamp.get("sha256")

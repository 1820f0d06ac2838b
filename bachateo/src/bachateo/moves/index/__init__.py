"""The index of a library's moves: finding them by music, text and motion."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bachateo.moves.index.document import MoveDocument
from bachateo.moves.index.query import FEWEST_HITS, Hit, MoveQuery, Neighbours, SearchResult, rank

__all__ = ["Hit", "MoveDocument", "MoveIndex", "MoveQuery", "SearchResult"]


class MoveIndex(ABC):
    """Holds documents of moves and finds them. ``LocalMoveIndex`` and ``ElasticsearchMoveIndex`` answer alike."""

    @abstractmethod
    def add(self, documents: Iterable[MoveDocument]) -> int:
        """Add documents, or replace those of the same ``clip_id``; return how many were given."""

    @abstractmethod
    def count(self) -> int:
        """Return how many moves there are."""

    def finds(self) -> bool:
        """Return whether a search finds a move."""
        return self.count() > 0

    @abstractmethod
    def get_many(self, clip_ids: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the documents of moves without their vectors, in the order asked for; ``None`` for an unknown move."""

    @abstractmethod
    def neighbours(self, query: MoveQuery, filters: Mapping[str, str]) -> Neighbours:
        """Return the moves nearest by ``query.neighbour_vector`` among those that satisfy the filters."""

    def search(self, query: MoveQuery) -> SearchResult:
        """Find moves.

        Returns
        -------
        SearchResult
            The hits, and which filters were dropped because they left fewer than ``FEWEST_HITS`` of them.
        """
        wanted = query.filters
        hits: tuple[Hit, ...] = ()
        for filters in query.relaxed_filters():
            hits = rank(query, self.neighbours(query, filters))
            dropped = tuple(name for name in ("energy_level", "difficulty") if name in wanted and name not in filters)
            if len(hits) >= FEWEST_HITS:
                break
        return SearchResult(hits, dropped)

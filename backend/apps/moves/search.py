"""Find the moves that go with a song, in Elasticsearch or in the library's own index."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from django.conf import settings

from bachateo.errors import SearchError
from bachateo.moves.index import MoveIndex
from bachateo.moves.index.document import Vector
from bachateo.moves.index.local import LocalMoveIndex
from bachateo.selection import search_every_level
from bachateo.sequence import Wishes

log = logging.getLogger(__name__)

Found = TypeVar("Found")


def find_moves(song: Mapping[str, Vector], wishes: Wishes) -> Mapping[str, float]:
    """Return the moves that fit a song, each with its score. Raises SearchError."""
    return with_index(lambda index: search_every_level(index, song, wishes), budget_s=settings.ELASTICSEARCH_BUDGET_S)


def with_index(ask: Callable[[MoveIndex], Found], *, budget_s: float) -> Found:
    """Ask the index that is configured, or the library's own if that fails and may stand in for it.

    Raises SearchError. ``budget_s`` is for the requests to a server.
    """
    try:
        with move_index(budget_s) as index:
            return ask(index)
    except SearchError as error:
        if not (settings.ELASTICSEARCH_URL and settings.ELASTICSEARCH_FALLBACK):
            raise
        log.warning("the library's own index is searched instead: %s", error)
        return ask(LocalMoveIndex.of_library(settings.MOVES_LIBRARY))


@contextmanager
def move_index(budget_s: float | None = None) -> Iterator[MoveIndex]:
    """Open the index of moves that this service searches; all requests to a server together may take so long."""
    if not settings.ELASTICSEARCH_URL:
        yield LocalMoveIndex.of_library(settings.MOVES_LIBRARY)
        return
    # Its client takes as long to import as all of Django, and many installations have no such server.
    from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex  # noqa: PLC0415

    index = ElasticsearchMoveIndex(
        settings.ELASTICSEARCH_URL, budget_s=budget_s, api_key=settings.ELASTICSEARCH_API_KEY or None
    )
    try:
        yield index
    finally:
        index.close()

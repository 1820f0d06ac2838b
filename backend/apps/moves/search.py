"""Find the moves that go with a song, in Elasticsearch or in the library's own index."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings

from bachateo.moves.index import MoveIndex
from bachateo.moves.index.document import Vector
from bachateo.moves.index.local import LocalMoveIndex
from bachateo.selection import search_every_level
from bachateo.sequence import Wishes


def find_moves(song: Mapping[str, Vector], wishes: Wishes) -> Mapping[str, float]:
    """Return the moves that fit a song, each with its score. Raises SearchError."""
    with move_index() as index:
        return search_every_level(index, song, wishes)


@contextmanager
def move_index(timeout_s: float | None = None) -> Iterator[MoveIndex]:
    """Open the index of moves that this service searches; a request to a server may take so long, or as usual."""
    if not settings.ELASTICSEARCH_URL:
        yield LocalMoveIndex.of_library(settings.MOVES_LIBRARY)
        return
    # Its client takes as long to import as all of Django, and many installations have no such server.
    from bachateo.moves.index.elasticsearch import TIMEOUT_S, ElasticsearchMoveIndex  # noqa: PLC0415

    index = ElasticsearchMoveIndex(settings.ELASTICSEARCH_URL, timeout_s=timeout_s or TIMEOUT_S)
    try:
        yield index
    finally:
        index.close()

"""Find the moves that go with a song, in Elasticsearch or in the library's own index."""

from collections.abc import Mapping

from django.conf import settings

from choreographer.moves.index.document import Vector
from choreographer.moves.index.local import LocalMoveIndex
from choreographer.selection import search_every_level
from choreographer.sequence import Wishes


def find_moves(song: Mapping[str, Vector], wishes: Wishes) -> Mapping[str, float]:
    """Return the moves that may be danced to a song, and how well each goes with it. Raises SearchError."""
    if not settings.ELASTICSEARCH_URL:
        return search_every_level(LocalMoveIndex.of_library(settings.MOVES_LIBRARY), song, wishes)
    # Its client takes as long to import as all of Django, and many a house has no such server.
    from choreographer.moves.index.elasticsearch import ElasticsearchMoveIndex  # noqa: PLC0415

    index = ElasticsearchMoveIndex(settings.ELASTICSEARCH_URL)
    try:
        return search_every_level(index, song, wishes)
    finally:
        index.close()

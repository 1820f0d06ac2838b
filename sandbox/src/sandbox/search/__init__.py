"""A stand-in for Elasticsearch: the calls that its official client makes about one small index, answered exactly.

Written from what the API of Elasticsearch 9 promises. It differs on purpose in three things: its kNN compares every
document, where Elasticsearch looks along a graph; a field that the mapping does not name is refused, where
Elasticsearch would guess a mapping; a bulk request does not create an index. What it does not know it refuses with an
error of the same form; nothing is passed over in silence.
"""

from sandbox.search.server import SearchServer

__all__ = ["SearchServer"]

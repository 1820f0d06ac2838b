"""A stand-in for Elasticsearch: the calls that its official client makes about one small index, answered exactly.

It answers as Elasticsearch 9.2 does, in status and body: a test sends both the same requests. It differs on purpose:
its kNN compares every document, where Elasticsearch may look along a graph; a field that the mapping does not name is
refused, where Elasticsearch would guess a mapping; a bulk request does not create an index; of a body that is no JSON
it says so in its own words. What it does not know it refuses with an error of the same form; nothing is passed over in
silence.
"""

from sandbox.search.server import SearchServer

__all__ = ["SearchServer"]

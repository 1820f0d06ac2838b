"""Filters of FFmpeg for pictures, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from av.filter import Graph
from av.video.frame import VideoFrame

Filter = tuple[str, str]  # name, arguments
TABLE = ("haldclut", "")  # the filter that looks every colour up in a table


class Chain:
    """Filters that pictures of one kind pass through.

    Parameters
    ----------
    filters
        In their order; none hands pictures on as they are.
    table
        The colours that ``TABLE`` looks up, where that is one of the filters.
    """

    def __init__(self, filters: Sequence[Filter], table: VideoFrame | None = None) -> None:
        self._filters, self._table = filters, table
        self._graph: Graph | None = None

    def passed(self, frame: VideoFrame) -> VideoFrame:
        """Return what becomes of a picture; all must have the size of the first."""
        if not self._filters:
            return frame
        if self._graph is None:
            self._graph = self._built(frame)
        self._graph.vpush(frame, 0)
        return self._graph.vpull()

    def _built(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = 1
        sources = [
            graph.add_buffer(
                width=one.width, height=one.height, format=one.format, time_base=one.time_base or Fraction(1, 1000)
            )
            for one in (frame, self._table)
            if one is not None
        ]
        steps = [graph.add(name, arguments) for name, arguments in self._filters]
        graph.link_nodes(sources[0], *steps, graph.add("buffersink"))
        if self._table is not None:
            sources[1].link_to(steps[self._filters.index(TABLE)], 0, 1)
        graph.configure()
        if self._table is not None:
            # One picture, which stays.
            sources[1].push(self._table)
            sources[1].push(None)
        return graph

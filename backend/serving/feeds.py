"""Answers that go on: a client that stays gets parts of its answer by and by, and holds a connection but no thread.

An application says so by an attribute ``feed`` of its answer. What the answer yields by itself is sent first.
"""

from collections.abc import Callable
from typing import Protocol

# In the environment of a request: this server goes on with answers that have a feed.
FEEDS = "serving.feeds"


class Feed(Protocol):
    """What an application gives to the worker. Both methods are called in the worker's loop and must not wait."""

    def open(self, outlet: "Outlet") -> None:
        """Begin to send: the first part has been taken by the client."""

    def close(self) -> None:
        """Stop: the client is gone, or the worker stops. Also called without ``open``."""


class Outlet:
    """What the worker gives to the application; for any thread."""

    def __init__(self, send: Callable[[bytes], None], end: Callable[[], None]) -> None:
        self.send = send
        self.end = end

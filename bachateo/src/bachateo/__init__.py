"""A song in, a bachata choreography video out.

>>> import bachateo
>>> bachateo.make(song, out, library=folder)  # doctest: +SKIP

What is named here is imported when it is first used: a child process that only decodes a file needs a tenth of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bachateo import music
    from bachateo.choreography import Choreography, make, remake
    from bachateo.errors import (
        BachateoError,
        LibraryError,
        SearchError,
        SequencingError,
        SongError,
        VideoError,
    )
    from bachateo.sequence import PlacedMove

__all__ = [
    "BachateoError",
    "Choreography",
    "LibraryError",
    "PlacedMove",
    "SearchError",
    "SequencingError",
    "SongError",
    "VideoError",
    "make",
    "music",
    "remake",
]

_HOMES = {"Choreography": "choreography", "make": "choreography", "remake": "choreography", "PlacedMove": "sequence"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "music":
        return import_module("bachateo.music")
    return getattr(import_module(f"bachateo.{_HOMES.get(name, 'errors')}"), name)

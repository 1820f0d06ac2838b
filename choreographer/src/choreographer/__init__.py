"""A song in, a bachata choreography video out.

>>> import choreographer
>>> choreographer.make(song, out, library=folder)  # doctest: +SKIP
"""

from choreographer import music
from choreographer.choreography import Choreography, make
from choreographer.errors import ChoreographerError, LibraryError, SequencingError, SongError, VideoError
from choreographer.sequence import PlacedMove

__all__ = [
    "ChoreographerError",
    "Choreography",
    "LibraryError",
    "PlacedMove",
    "SequencingError",
    "SongError",
    "VideoError",
    "make",
    "music",
]

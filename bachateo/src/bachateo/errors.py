"""What can go wrong, as one family of errors. Every message says what is, what was expected, what to do."""

from __future__ import annotations


class BachateoError(Exception):
    """The choreography could not be made.

    Attributes
    ----------
    code
        Stable identifier, ``CH`` and three digits; listed in the subclasses.
    message
        The sentence for the person who asked, without the code.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}  {message}")
        self.code = code
        self.message = message


class SongError(BachateoError):
    """The song cannot be danced to (CH001 to CH019)."""


class LibraryError(BachateoError):
    """The library of moves cannot be used (CH020 to CH039)."""


class SequencingError(BachateoError):
    """No sequence of moves satisfies what was asked (CH040 to CH059)."""


class VideoError(BachateoError):
    """The video cannot be assembled (CH060 to CH079)."""


class ClipError(BachateoError):
    """A clip, or the list of the clips, cannot become part of a library (CH080 to CH099)."""


class SearchError(BachateoError):
    """Moves cannot be described, indexed or found (CH100 to CH129)."""


class ModelMissingError(BachateoError):
    """A trained model is not installed (CH130)."""

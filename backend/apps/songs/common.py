"""The songs of the common folder: everybody's, in both systems. Either system or an operator may have added them."""

from apps.media import storage
from apps.media.storage import StoredFile
from config.errors import NotFoundError


def song_files() -> list[StoredFile]:
    """Return the files that are songs."""
    # A hidden file is one that is still being written.
    listed = [file for file in storage.songs().files() if not file.name.startswith(".")]
    return [file for file in listed if is_song(file.name) and "/" not in file.name]


def is_song(name: str) -> bool:
    """Return whether a file of this name is a song: the original lists no others."""
    return name.lower().endswith(".mp3")


def song_named(name: str) -> StoredFile:
    """Return the file of the song ``name``. Raises NotFoundError."""
    file = storage.songs().find(name) if "/" not in name and is_song(name) else None
    if file is None:
        raise missing(name)
    return file


def missing(song: str) -> NotFoundError:
    """Return the error for a song that is not there, or is another user's: the same words."""
    return NotFoundError(f"There is no song {song!r}.", code="song-missing")

"""Songs and videos, by name, in the media storage."""

from pathlib import PurePosixPath

from django.core.files.base import File
from django.core.files.storage import Storage, default_storage, storages


def song_names() -> list[str]:
    """Return the file names of all songs, sorted; a hidden file is one that is still being written."""
    return sorted(
        name for name in _files_in(storages["songs"]) if name.lower().endswith(".mp3") and not name.startswith(".")
    )


def open_song(name: str) -> "File[bytes]":
    """Open a song for reading."""
    return storages["songs"].open(name)


def open_video(user_id: int, name: str) -> "File[bytes] | None":
    """Open one of the user's videos; None if there is no video of that name."""
    folder = _output_folder(user_id)
    # Only what the folder lists is opened, so no name can lead out of it.
    return default_storage.open(f"{folder}/{name}") if name in _files_in(default_storage, folder) else None


def delete_video(user_id: int, name: str) -> None:
    """Delete one of the user's videos; a missing one is no error."""
    folder = _output_folder(user_id)
    # The folder of the row's path is ignored: the owner may have typed it. A bucket may list '', meaning the folder.
    if name and name in _files_in(default_storage, folder):
        default_storage.delete(f"{folder}/{name}")


def save_video(user_id: int, song: str, video: "File[bytes]") -> str:
    """Store a video under a name of its own and return its path below the media root."""
    name = f"{PurePosixPath(song).stem}_balanced_choreography.mp4"
    return default_storage.save(f"{_output_folder(user_id)}/{name}", video)


def _output_folder(user_id: int) -> str:
    return f"output/user_{user_id}"


def _files_in(storage: Storage, folder: str = "") -> list[str]:
    try:
        return storage.listdir(folder)[1]
    except FileNotFoundError:
        return []

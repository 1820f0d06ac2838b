"""Find the video that a row names."""

from pathlib import PurePosixPath

from apps.media.storage import StoredFile, media
from config.errors import NotFoundError


def video_file(name: str, *, owner_id: int) -> StoredFile:
    """Return the video that a row of this user names. Raises NotFoundError.

    A row may name any file, since the original stores the path that its client sends. Another user's video and
    a song count as missing.
    """
    for candidate in names_of(name, owner_id=owner_id):
        file = media().find(candidate)
        if file and belongs_to(file.name, owner_id):
            return file
    raise NotFoundError("The video file is not there any more.", code="file-missing")


def names_of(name: str, *, owner_id: int) -> tuple[str, str]:
    """Return the names of the files that a row of this user may mean, the likelier first.

    Old rows hold paths of machines that are gone; the original finds their videos by base name in the user's folder.
    """
    return name, f"{folder_of(owner_id)}/{PurePosixPath(name).name}"


def belongs_to(name: str, owner_id: int) -> bool:
    """Return whether a file is one of this user's videos, or one that the staff uploaded."""
    return name.startswith((f"{folder_of(owner_id)}/", "choreographies/"))


def folder_of(owner_id: int) -> str:
    return f"output/user_{owner_id}"

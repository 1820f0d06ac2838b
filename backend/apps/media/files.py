"""From the name that a row stores to the file it means."""

import os
from pathlib import Path, PurePosixPath

from django.conf import settings

from config.errors import NotFoundError


def media_file(name: str) -> Path | None:
    """Return the file that ``name`` (relative to the media root, or absolute) means.

    None if it is gone, was never there, or lies outside the media root: rows are older than this
    service and are not trusted with the whole disk.
    """
    root = os.path.realpath(settings.MEDIA_ROOT)
    try:
        # realpath follows symbolic links, so a link inside the root cannot lead out of it.
        path = Path(os.path.realpath(Path(root, name)))
        found = path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError):
        found = False  # a name that no file can have: too long, or with a NUL
    return path if found else None


def video_file(name: str, *, owner_id: int) -> Path:
    """Return the video that a row of this user names. Raises NotFoundError.

    Old rows hold paths of machines that are gone; the original finds their videos by base name in the
    user's folder, so that is looked at too. A row may name any file, since the original takes the path
    from whoever saves it: another user's video, or a song, is not this user's and is not there.
    """
    for candidate in (name, f"{_folder_of(owner_id)}/{PurePosixPath(name).name}"):
        path = media_file(candidate)
        if path and belongs_to(path, owner_id):
            return path
    raise NotFoundError("The video file is not there any more.", code="file-missing")


def belongs_to(path: Path, owner_id: int) -> bool:
    """Whether a file is one of this user's videos, or one that the admin put there."""
    root = Path(os.path.realpath(settings.MEDIA_ROOT))
    return any(path.is_relative_to(root / folder) for folder in (_folder_of(owner_id), "choreographies"))


def _folder_of(owner_id: int) -> str:
    return f"output/user_{owner_id}"


def stored_name(path: Path) -> str:
    """Return the name to store for a file below the media root, so that both systems find it."""
    return path.relative_to(settings.MEDIA_ROOT).as_posix()

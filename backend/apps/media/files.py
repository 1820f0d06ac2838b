"""From the name that a row stores to the file it means."""

import os
from pathlib import Path

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


def video_file(name: str) -> Path:
    """Return the video that a row names. Raises NotFoundError."""
    path = media_file(name)
    if path is None:
        raise NotFoundError("The video file is not there any more.", code="file-missing")
    return path


def stored_name(path: Path) -> str:
    """Return the name to store for a file below the media root, so that both systems find it."""
    return path.relative_to(settings.MEDIA_ROOT).as_posix()

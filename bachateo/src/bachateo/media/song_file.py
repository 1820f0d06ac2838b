"""What is checked of a song file before it is decoded: it must exist, and its sound has a longest length."""

from __future__ import annotations

from pathlib import Path

from bachateo.errors import SongError

LONGEST_S = 45 * 60.0


def require_file(path: Path) -> None:
    """Refuse a path that is not a file.

    Raises
    ------
    SongError
        It is missing, or a folder.
    """
    if not path.is_file():
        raise SongError("CH001", f"there is no song file {path}. Choose one that exists.")

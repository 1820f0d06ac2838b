"""A song file before any of it is decoded: it must be there, and its sound may not last for ever."""

from __future__ import annotations

from pathlib import Path

from bachateo.errors import SongError

LONGEST_S = 45 * 60.0


def require_file(path: Path) -> None:
    """Refuse a path that is no file.

    Raises
    ------
    SongError
        It is missing, or a folder.
    """
    if not path.is_file():
        raise SongError("CH001", f"there is no song file {path}. Choose one that exists.")

"""Files that are either whole or not there: written aside, fsynced, renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path``; rename it to ``path`` when the block succeeds.

    Parameters
    ----------
    path
        Where the file shall be. Missing parent folders are created.

    Yields
    ------
    Path
        A hidden, empty file in the same folder, so that the rename is atomic. Its suffix is ``.part``, so that a
        program that lists songs or videos does not take it for one. An error in the block removes it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=".part", dir=path.parent)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        # mkstemp makes files that only the owner reads; a video is read by the web server's group, too.
        aside.chmod(0o640)
        _fsync(aside)
        aside.replace(path)
        # Without this the rename itself may be lost with the power.
        _fsync(path.parent)
    finally:
        aside.unlink(missing_ok=True)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

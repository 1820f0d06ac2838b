"""Files that are either whole or not there: written aside, fsynced, renamed."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".part"


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
        program that lists songs or videos does not take it for one. An error in the block removes it. A process that
        is killed leaves it; `remove_abandoned` removes it then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = _locked_aside(path)
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
        os.close(handle)


def remove_abandoned(folder: Path) -> None:
    """Remove the files that killed processes were writing aside in this folder; those of living ones stay.

    Parameters
    ----------
    folder
        Where :func:`written_aside` was used; it may be missing.
    """
    for aside in sorted(folder.glob(f".*{SUFFIX}")):
        with suppress(OSError), aside.open("rb") as file:
            # Whoever writes it holds the lock; the kernel takes it from a process that ends.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            aside.unlink()


def _locked_aside(path: Path) -> tuple[int, Path]:
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=SUFFIX, dir=path.parent)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)  # taken for abandoned before it was locked


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

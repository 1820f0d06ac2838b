"""Results of earlier work, found by the content that they were made from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bachateo.files import written_aside


def content_key(path: Path) -> str:
    """Return the SHA-256 of the file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cached(folder: Path, name: str, make: Callable[[Path], None]) -> tuple[Path, bool]:
    """Return the cached file ``name``, calling ``make`` if it is missing or damaged.

    Parameters
    ----------
    folder
        The cache; created when missing. It may be emptied at any time.
    name
        File name that holds a content key and the version of the code that makes the entry.
    make
        Writes the entry to the path it is given.

    Returns
    -------
    Path, bool
        The entry, and whether it was there already.

    Notes
    -----
    Each entry has its digest beside it. The digest is written last, so an entry that was interrupted, cut short
    or overwritten is noticed and made again.
    """
    entry = found(folder, name)
    if entry:
        return entry, True
    with entry_made(folder, name) as aside:
        make(aside)
    return folder / name, False


def found(folder: Path, name: str) -> Path | None:
    """Return the cached file ``name`` if it is there and whole."""
    entry, digest = folder / name, folder / f"{name}.sha256"
    whole = entry.is_file() and digest.is_file() and digest.read_bytes() == content_key(entry).encode()
    return entry if whole else None


@contextmanager
def entry_made(folder: Path, name: str) -> Iterator[Path]:
    """Yield the path to write the entry ``name`` to; it is in the cache when the block succeeds."""
    with written_aside(folder / name) as aside:
        yield aside
    with written_aside(folder / f"{name}.sha256") as aside:
        aside.write_text(content_key(folder / name))

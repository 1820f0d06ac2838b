"""A file that another program reads, under its own account: replaced whole, so that a half file is never read."""

import os
from pathlib import Path

READABLE = 0o644


def write_public(path: Path, text: str) -> None:
    """Write a file that others may read; it is there whole, or as it was before.

    Raises
    ------
    OSError
        It cannot be written.
    """
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, READABLE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), READABLE)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)

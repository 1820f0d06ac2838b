"""The key of the folder: only this account reads it. It signs evidence, plans and the lines of the journal's copy."""

import fcntl
import os
import secrets
from functools import cache
from pathlib import Path

from handover.errors import HandoverError
from handover.private_files import PLACE, private_folder, read_private, write_private

KEY_BYTES = 32
NAME = "key"


class FolderKeyError(HandoverError):
    """The key of the folder is there, but is no key."""

    code = "HO007"


def folder_key(root: Path) -> bytes:
    """Return the key of ``.handover``, made at its first use.

    Raises
    ------
    FolderKeyError
        The file is empty or cut off.
    """
    folder = private_folder(root / PLACE)
    path = folder / NAME
    if not path.exists() and not path.is_symlink():
        _made(folder, path)
    found = path.lstat()
    return _read(path, found.st_ino, found.st_mtime_ns, found.st_size)


@cache
def _read(path: Path, *_: int) -> bytes:
    """Return the key; read again when the file is another."""
    key = read_private(path)
    if len(key) < KEY_BYTES:
        message = f"{path} is no key: it holds {len(key)} bytes."
        raise FolderKeyError(f"{message} Bring the one that was there, or remove it: then what it signed is void.")
    return key


def _made(folder: Path, path: Path) -> None:
    """Write a new key whole, unless another process was first."""
    place = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        if not path.exists():
            write_private(path, secrets.token_hex(KEY_BYTES))
    finally:
        os.close(place)

"""The key of the folder: only this account reads it. It signs evidence, plans and the lines of the journal's copy.

It also seals the entries of the journal in the database. A folder on another machine gets a copy of the key of the
first one as ``journal.key``, and seals with that; everything else there is signed with a key of its own.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from handover.errors import HandoverError
from handover.journal.seal import key_name
from handover.private_files import PLACE, private_folder, read_private, write_private

KEY_BYTES = 32
NAME, SHARED_NAME = "key", "journal.key"
# The end of a signed line of the journal's copy.
DIGEST = re.compile(rb', "mac": "([0-9a-f]{64})"}\n')
# Signs evidence in place of the folder's key.
KEY_VARIABLE = "HANDOVER_EVIDENCE_KEY"


class FolderKeyError(HandoverError):
    """The key of the folder is missing, or is no key."""

    code = "HO007"


def folder_key(root: Path) -> bytes:
    """Return the key of ``.handover``, to compare what it signed; it is never made here.

    Raises
    ------
    FolderKeyError
        The file is missing, empty or cut off.
    """
    path = root / PLACE / NAME
    if (root / PLACE).is_dir():
        private_folder(root / PLACE)
    try:
        found = path.lstat()
    except FileNotFoundError as error:
        raise _missing(path, "this command compares what it signed") from error
    return _read(path, found.st_ino, found.st_mtime_ns, found.st_size)


def signing_key(root: Path) -> bytes:
    """Return the key of ``.handover``, to sign with it; made at its first use.

    Raises
    ------
    FolderKeyError
        The file is empty or cut off, or it is missing and the folder holds what it signed.
    """
    folder = private_folder(root / PLACE)
    path = folder / NAME
    if not path.exists() and not path.is_symlink():
        _made(folder, path)
    return folder_key(root)


def known_keys(root: Path) -> dict[str, bytes]:
    """Return the keys that this folder compares seals of the journal with, each by its name; none is made here."""
    found = (_key_file(root, name) for name in (NAME, SHARED_NAME))
    return {key_name(key): key for key in found if key}


def sealing_key(root: Path) -> tuple[str, bytes]:
    """Return the name of the key that seals the journal's entries, and the key: that of another machine, or its own.

    Raises
    ------
    FolderKeyError
        See :func:`signing_key`.
    """
    key = _key_file(root, SHARED_NAME) or signing_key(root)
    return key_name(key), key


def share_key(root: Path, key: bytes) -> Path:
    """Keep the key of another machine's folder, to compare and make seals with it; return its file.

    Parameters
    ----------
    root, key
        The folder, and the key.

    Raises
    ------
    FolderKeyError
        It is no key.
    """
    path = private_folder(root / PLACE) / SHARED_NAME
    if len(key) < KEY_BYTES:
        raise FolderKeyError(f"that is no key: it holds {len(key)} bytes. Copy .handover/key of the other machine.")
    write_private(path, key)
    return path


def _key_file(root: Path, name: str) -> bytes:
    """Return the key that a file of the folder holds; empty when it is not there."""
    path = root / PLACE / name
    try:
        found = path.lstat()
    except FileNotFoundError:
        return b""
    return _read(path, found.st_ino, found.st_mtime_ns, found.st_size)


def _signed(folder: Path) -> Iterator[str]:
    """Yield what lies in the folder and was signed with its key."""
    journal = folder / "journal.jsonl"
    if journal.is_file() and DIGEST.search(read_private(journal)):
        yield journal.name
    if (folder / "journal.head").exists():
        yield "journal.head"
    # Plans of version 0.1 have no signature.
    if any(b'"signature":' in read_private(path) for path in (folder / "plans").glob("*.json")):
        yield "plans"
    runs = () if os.environ.get(KEY_VARIABLE) else (folder / "evidence").glob("[!.]*/signature")
    if any(runs):
        yield "evidence"


def _missing(path: Path, why: str) -> FolderKeyError:
    message = f"{path} is missing, and {why}. No new key was made."
    todo = "Bring it back from the machine or the backup that has this folder `.handover` as it was."
    lost = "Is it really lost? Nothing can show any more that these files are as they were written. Then move"
    what = "journal.jsonl, journal.head, plans and evidence out of the folder, and keep them"
    after = "the journal of the database is read alone, and the next command that signs makes a new key"
    other = f"Evidence that was signed with {KEY_VARIABLE} needs that variable, not the file."
    return FolderKeyError(f"{message} {todo} {lost} {what}: {after}. {other}")


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
            if signed := ", ".join(_signed(folder)):
                raise _missing(path, f"the folder holds what it signed: {signed}")
            write_private(path, secrets.token_hex(KEY_BYTES))
    finally:
        os.close(place)

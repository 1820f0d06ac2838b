"""Files of the toolkit that only this account may read: no link is followed, no file or folder of others is used.

They hold what happened, what was found and a key; whoever could change them could change what the next command does.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from handover.errors import HandoverError

# The folder of the toolkit, beside ``handover.toml``.
PLACE = ".handover"
FILE_MODE, FOLDER_MODE = 0o600, 0o700
# Never wait at a named pipe in place of the file.
_ALWAYS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class UntrustedFileError(HandoverError):
    """A file or a folder of the toolkit is a link, belongs to another account, or others can write it."""

    code = "HO253"
    exit_code = 3


def private_folder(folder: Path) -> Path:
    """Make a folder that only this account may read, with those above it that do not exist; return it.

    A folder that others may read is closed to them. Of the folders below ``.handover``, each is looked at.

    Raises
    ------
    UntrustedFileError
        It belongs to another account, every account may write it, or it is a link; ``.handover`` itself may be one.
    """
    if not folder.is_dir() and not folder.parent.is_dir():
        private_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    for one in _of_toolkit(folder) or [folder]:
        _close(one)
    return folder


def _of_toolkit(path: Path) -> list[Path]:
    """Return ``.handover`` and the folders between it and a path, the path included; none for a path elsewhere."""
    every = [*reversed(path.parents), path]
    return next((every[number:] for number, one in enumerate(every) if one.name == PLACE), [])


def _close(folder: Path) -> None:
    found = folder.stat()
    if folder.name != PLACE and folder.is_symlink():
        message = f"the folder {folder} is a link to {str(folder.readlink())!r}; it was not used."
        raise UntrustedFileError(f"{message} Find out who made it, then remove it.")
    if found.st_uid != os.geteuid():
        message = f"the folder {folder} belongs to another account (uid {found.st_uid}); it was not used."
        raise UntrustedFileError(f"{message} Run as that account, or give it to this one with chown.")
    if found.st_mode & stat.S_IWOTH:
        message = f"every account may write the folder {folder}, so its files may be of anyone; it was not used."
        raise UntrustedFileError(f"{message} Look at what is in it, then: chmod go-rwx {folder}")
    if stat.S_IMODE(found.st_mode) != FOLDER_MODE:
        folder.chmod(FOLDER_MODE)


@contextmanager
def open_private(path: Path, mode: str = "rb") -> Iterator[IO[Any]]:
    """Open a file that only this account may read.

    For ``w`` and ``a`` it is made if it is not there; below ``.handover``, its folder as well.

    Parameters
    ----------
    path
        The file; it must not be a link.
    mode
        As of ``open``: ``r``, ``w`` or ``a``, with ``b`` or ``+``. Text is UTF-8.

    Raises
    ------
    UntrustedFileError
        It is a link, has a second name, is no file, or belongs to another account.
    OSError
        It cannot be opened.
    """
    writes = mode[0] != "r"
    flags = _ALWAYS | (os.O_RDWR if "+" in mode else os.O_WRONLY if writes else os.O_RDONLY)
    if _of_toolkit(path.parent) and (writes or path.parent.is_dir()):
        private_folder(path.parent)
    if writes:
        flags |= os.O_CREAT | (os.O_APPEND if mode[0] == "a" else 0)
    if path.is_symlink():
        message = f"{path} is a link to {str(path.readlink())!r}; it was not followed."
        raise UntrustedFileError(f"{message} The toolkit makes no links here: find out who did, then remove it.")
    with os.fdopen(os.open(path, flags, FILE_MODE), mode, encoding=None if "b" in mode else "utf-8") as file:
        _claim(path, file.fileno(), empty=mode[0] == "w")
        yield file


def _claim(path: Path, descriptor: int, *, empty: bool) -> None:
    """Refuse what is no file of this account; close it to others, and empty it if it is written anew."""
    found = os.fstat(descriptor)
    wrong = (
        "is no regular file"
        if not stat.S_ISREG(found.st_mode)
        else f"belongs to another account (uid {found.st_uid})"
        if found.st_uid != os.geteuid()
        else "has a second name (a hard link)"
        if found.st_nlink > 1
        else ""
    )
    if wrong:
        message = f"{path} {wrong}; it was not used."
        raise UntrustedFileError(f"{message} Find out who made it, then remove it, or run as its account.")
    if stat.S_IMODE(found.st_mode) & ~FILE_MODE:
        os.fchmod(descriptor, FILE_MODE)
    if empty:
        os.ftruncate(descriptor, 0)


def write_private(path: Path, text: str | bytes) -> None:
    """Write a file that only this account may read; it is there whole, or as it was before.

    Raises
    ------
    UntrustedFileError
        Below ``.handover``, a link or a file of another account lies there. Elsewhere it is replaced, not followed.
    OSError
        It cannot be written.
    """
    data = text.encode() if isinstance(text, str) else text
    if _of_toolkit(path.parent) and (path.is_symlink() or path.exists()):
        with open_private(path):
            pass
    aside = path.with_name(f".{path.name}.new")
    aside.unlink(missing_ok=True)  # left by a killed process, or planted: a link is removed, not followed
    with open_private(aside, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def read_private(path: Path) -> bytes:
    """Return what a file of the toolkit holds.

    Raises
    ------
    UntrustedFileError
        It is a link, or no file of this account.
    OSError
        It cannot be read.
    """
    with open_private(path) as file:
        return bytes(file.read())

"""The data folder: what must hold before anything is written, and what the sandbox keeps in it."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from sandbox.postgres.account import Account, owner_name
from sandbox.postgres.errors import (
    DiskFullError,
    NotADataFolderError,
    OtherVersionError,
    OwnedByAnotherError,
    PathTooLongError,
    PrivateParentError,
)

PASSWORDS = "sandbox-passwords.json"
LOG = "sandbox.log"
PID = "postmaster.pid"
PUBLIC = Path("/var/lib/compas")
SOCKET_PATH_BYTES = 107  # sun_path holds 108 with its final zero


@dataclass(frozen=True)
class Postmaster:
    """A live server, as its ``postmaster.pid`` tells."""

    pid: int
    port: int
    ready: bool


def check(folder: Path, account: Account, *, major: str) -> bool:
    """Return whether the folder holds a cluster (else one may be made there); refuse without a trace."""
    _check_socket_path(folder)
    barred = account.barred_from(folder.parent)
    if barred is not None:
        raise PrivateParentError(folder, barred, account.name)
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise NotADataFolderError(folder, "is a file")
    _check_owner(folder, {account.uid, os.geteuid()}, account)
    if (folder / "PG_VERSION").exists():
        _check_cluster(folder, account, major)
        return True
    if folder.is_mount():
        raise NotADataFolderError(folder, "is a mount point (a folder inside it would do)")
    if any(folder.iterdir()):
        raise NotADataFolderError(folder, "holds other files")
    return False


def check_private(folder: Path, account: Account) -> None:
    """Raise OwnedByAnotherError when the folder keeps this process out."""
    if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
        raise OwnedByAnotherError(folder, owner_name(folder.stat().st_uid), account.name)


def _check_socket_path(folder: Path) -> None:
    socket = folder / ".s.PGSQL.65535"  # the longest port, so that the answer does not hang on the port
    length = len(os.fsencode(socket))
    if length > SOCKET_PATH_BYTES:
        raise PathTooLongError(socket, length, SOCKET_PATH_BYTES)


def _check_owner(folder: Path, accepted: set[int], account: Account) -> None:
    owner = folder.stat().st_uid
    if owner not in accepted:
        raise OwnedByAnotherError(folder, owner_name(owner), account.name)


def _check_cluster(folder: Path, account: Account, major: str) -> None:
    _check_owner(folder, {account.uid}, account)
    found = (folder / "PG_VERSION").read_text().strip()
    if found != major:
        raise OtherVersionError(folder, found, major)
    if not (folder / PASSWORDS).exists():
        raise NotADataFolderError(folder, f"is a PostgreSQL cluster without {PASSWORDS}, not made by the sandbox")


def read_passwords(folder: Path) -> dict[str, str]:
    """Return the passwords of the roles."""
    passwords: dict[str, str] = json.loads((folder / PASSWORDS).read_text())
    return passwords


@contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Raise DiskFullError where the block runs out of room."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise DiskFullError(folder, shutil.disk_usage(folder).free >> 20) from None


def postmaster(folder: Path) -> Postmaster | None:
    """Return the server that runs on the folder, if one does; a stale ``postmaster.pid`` does not count."""
    try:
        # https://www.postgresql.org/docs/18/storage-file-layout.html: pid, folder, start, port, ..., status
        lines = (folder / PID).read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if os.fsencode(folder) not in _command_line(pid):
        return None
    return Postmaster(pid, port, ready=lines[-1].strip() == "ready")


def remove_stale_pid(folder: Path) -> None:
    """Remove a ``postmaster.pid`` whose number belongs to no PostgreSQL any more.

    PostgreSQL itself asks only whether the pid is alive: it would refuse for as long as the program runs
    that has the number now, or the killed server stays a zombie that is never reaped.
    """
    try:
        pid = int((folder / PID).read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return
    program = _command_line(pid)[0]
    if not Path(os.fsdecode(program)).name.startswith("postgres"):
        (folder / PID).unlink()


def _command_line(pid: int) -> list[bytes]:
    """Return the arguments of a process; of one that is gone, or a zombie, an empty one."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return [b""]


def reachable(folder: Path) -> Path:
    """Return ``folder``, or when its parents bar the server's user, a place in /var/lib that stands for it.

    For root with everything below a private home folder, whose servers run as another account.
    """
    folder = folder.resolve()
    if Account.current().barred_from(folder.parent) is None:
        return folder
    return PUBLIC / f"{folder.name}-{sha256(os.fsencode(folder)).hexdigest()[:12]}"

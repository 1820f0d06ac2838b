"""Log files and folders of the sandbox: whatever the umask, accounts outside of the group read none of them."""

import os
from pathlib import Path
from typing import IO

FILE_MODE, FOLDER_MODE = 0o640, 0o750


def log_folder(folder: Path) -> Path:
    """Make a folder for logs, with those above it, and return it. One that is there is closed to others."""
    if not folder.is_dir() and not folder.parent.is_dir():
        log_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    folder.chmod(folder.stat().st_mode & FOLDER_MODE)
    return folder


def open_log(path: Path, *, empty: bool = False) -> IO[bytes]:
    """Open a log file to write at its end. One that is there is closed to others, and emptied if that is asked."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
    os.fchmod(descriptor, os.fstat(descriptor).st_mode & FILE_MODE)
    if empty:
        os.ftruncate(descriptor, 0)
    return os.fdopen(descriptor, "ab")

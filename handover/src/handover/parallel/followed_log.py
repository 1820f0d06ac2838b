"""A log file that grows, followed over its rotation: no line is left out, and none is read twice.

Rotated by renaming: the old file stays open and is read until the server has moved on to the new one. Rotated by
copying and emptying: what was written before the file was emptied is read from the copy, which lies beside it.
"""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

READ_AT_MOST = 64 << 20
# By which a file is known to be the one that was read before.
KNOWN_BY_BYTES = 256
# A server that was told of the rotation may take a while; so may the program that rotates.
OLD_FILE_QUIET_S = 60.0
MISSING_AT_MOST_S = 60.0


class _OpenLog:
    """One file of the log, and how far it was read."""

    def __init__(self, file: IO[bytes], offset: int) -> None:
        self.file, self.offset = file, offset
        self.rest = b""
        self.before = self._known_by(offset)
        self.grew_at = time.monotonic()

    @property
    def identity(self) -> tuple[int, int]:
        facts = os.fstat(self.file.fileno())
        return facts.st_dev, facts.st_ino

    def _known_by(self, offset: int) -> bytes:
        size = min(KNOWN_BY_BYTES, offset)
        return os.pread(self.file.fileno(), size, offset - size)

    def was_emptied(self) -> bool:
        """Say whether it holds something else than what was read before."""
        return self._known_by(self.offset) != self.before

    def lines(self) -> list[bytes]:
        """Return the whole lines that were added."""
        text = os.pread(self.file.fileno(), READ_AT_MOST, self.offset)
        if text:
            self.offset += len(text)
            self.before = self._known_by(self.offset)
            self.grew_at = time.monotonic()
        *lines, self.rest = (self.rest + text).split(b"\n")
        return [line for line in lines if line.strip()]


class FollowedLog:
    """Follows a log.

    Parameters
    ----------
    path
        The file that the server writes now.
    whole
        Whether it is read from its start; else from its present end.

    Attributes
    ----------
    lost
        Why lines may be missing in the last result; empty when none are.
    """

    def __init__(self, path: Path, *, whole: bool = False) -> None:
        self._path = path
        self._old: list[_OpenLog] = []
        self._now: _OpenLog | None = None
        self._missing_since: float | None = None
        self.lost = ""
        with suppress(OSError):
            file = self._path.open("rb", buffering=0)
            self._now = _OpenLog(file, 0 if whole else _end_of_last_line(file))

    def close(self) -> None:
        """Close every file."""
        for one in (*self._old, *([self._now] if self._now else [])):
            one.file.close()
        self._old, self._now = [], None

    def new_lines(self) -> list[bytes]:
        """Return the whole lines that were written since the last call, without their ends.

        Raises
        ------
        OSError
            It cannot be read.
        """
        self.lost = ""
        identity = self._identity()
        lines = [line for one in self._old for line in one.lines()]
        self._forget_quiet()
        if self._now is None:
            self._now = self._opened()
        elif identity is not None and identity != self._now.identity:
            lines += self._now.lines()
            self._now.grew_at = time.monotonic()
            self._old.append(self._now)
            self._now = self._opened()
        elif identity is not None and self._now.was_emptied():
            emptied, self._now = self._now, self._opened()
            with emptied.file:
                lines += self._of_copy(emptied)
        return lines + self._now.lines()

    def _opened(self) -> _OpenLog:
        return _OpenLog(self._path.open("rb", buffering=0), 0)

    def _identity(self) -> tuple[int, int] | None:
        """Return which file the path names now; None when it names none, as for a moment of its rotation.

        Raises
        ------
        OSError
            It has named none for too long.
        """
        try:
            facts = self._path.stat()
        except FileNotFoundError:
            self._missing_since = self._missing_since or time.monotonic()
            if self._now is None or time.monotonic() - self._missing_since > MISSING_AT_MOST_S:
                raise
            return None
        self._missing_since = None
        return facts.st_dev, facts.st_ino

    def _forget_quiet(self) -> None:
        for one in list(self._old):
            if time.monotonic() - one.grew_at > OLD_FILE_QUIET_S:
                one.file.close()
                self._old.remove(one)

    def _of_copy(self, emptied: _OpenLog) -> list[bytes]:
        """Return the lines that were written after the last call and before the file was emptied."""
        for path in self._beside():
            with suppress(OSError), path.open("rb", buffering=0) as file:
                copy = _OpenLog(file, emptied.offset)
                if copy.before == emptied.before:
                    copy.rest = emptied.rest
                    return copy.lines()
        self.lost = f"{self._path.name} was emptied, and no copy of it lies beside it: lines may be missing"
        return []

    def _beside(self) -> Iterator[Path]:
        """Yield the files whose names begin with the log's, the newest first."""
        found = [path for path in self._path.parent.glob(f"{self._path.name}?*") if path.is_file()]
        return iter(sorted(found, key=lambda path: path.stat().st_mtime, reverse=True))


def _end_of_last_line(file: IO[bytes]) -> int:
    """Return where the last whole line ends, so that a line that is just being written is read whole later."""
    size = os.fstat(file.fileno()).st_size
    start = max(size - (1 << 16), 0)
    last = os.pread(file.fileno(), size - start, start).rfind(b"\n")
    return size if last < 0 else start + last + 1

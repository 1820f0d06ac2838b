"""The copy of the journal on this machine: JSON lines that are only added, each on disk before the action begins."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from handover.errors import HandoverError
from handover.journal.entry import JournalEntry, read_line

PLACE = Path(".handover/journal.jsonl")


class JournalCopyError(HandoverError):
    """The copy cannot be read or written."""

    code = "HO501"


class JournalCopy:
    """The copy beside ``handover.toml``; ``root`` is that folder."""

    def __init__(self, root: Path) -> None:
        self.path = root / PLACE
        self._latest: dict[str, JournalEntry] = {}
        self._lines = self._bytes = 0

    def entries(self) -> list[JournalEntry]:
        """Return each entry once, as last written, in the journal's order; entries without a place come last.

        Raises
        ------
        JournalCopyError
            A line before the last is no entry. A last line without an end was being written when the process died;
            what it announced was not begun.
        """
        if self.path.exists():
            self._read_on()
        return sorted(self._latest.values(), key=lambda e: (e.seq is None, e.seq or 0))

    def _read_on(self) -> None:
        """Read what was added since the last time: lines are only ever added."""
        with self.path.open("rb") as file:
            file.seek(self._bytes)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._lines += 1
                self._bytes += len(line)
                try:
                    entry = read_line(line.decode())
                except ValueError as error:
                    message = f"line {self._lines} of {self.path} is no entry of the journal: {error}."
                    todo = "It was changed by hand. Move the file away to read the journal of the database alone."
                    raise JournalCopyError(f"{message} {todo}") from error
                self._latest[entry.id] = entry

    def add(self, *entries: JournalEntry) -> None:
        """Add entries; on disk when this returns.

        Raises
        ------
        JournalCopyError
            They could not be written.
        """
        if not entries:
            return
        try:
            with self._locked() as file:
                file.write("".join(entry.line() for entry in entries).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            message = f"{self.path} could not be written: {error.strerror}. No action begins without its entry."
            raise JournalCopyError(f"{message} Make room or mend the rights, then run again.") from error

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            text = file.read()
            file.truncate(text.rfind(b"\n") + 1)  # what a killed process left unfinished
            file.seek(0, os.SEEK_END)
            yield file

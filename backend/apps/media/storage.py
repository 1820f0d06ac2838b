"""What this service needs of a storage beyond Django's: a directory has it, and a bucket."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast

from django.core.files.storage import default_storage, storages


@dataclass(frozen=True)
class StoredFile:
    """A file in a storage as it was when it was looked at."""

    name: str
    size: int
    modified_at: datetime
    version: str  # another one when the content is another


class MediaStorage(Protocol):
    """Faults of the disk, the network or the service are OSErrors, as with files."""

    def canonical(self, name: str) -> str | None:
        """Return the one name of what ``name`` means, there or not: it may be absolute, or lead in a roundabout way.

        None if it lies outside: rows are older than this service and are not trusted with the whole disk.
        """

    def find(self, name: str) -> StoredFile | None:
        """Return the file that ``name`` means; None if it is gone, was never there, or lies outside."""

    def files(self, folder: str = "") -> list[StoredFile]:
        """Return all files below a folder, however deep, sorted by name."""

    def read(self, file: StoredFile, start: int, stop: int) -> Iterator[bytes]:
        """Return these bytes of the file, piece by piece."""

    def aside(self) -> AbstractContextManager[Path]:
        """Give a folder of this machine for files to be added; it is gone afterwards."""

    def add(self, name: str, path: Path) -> None:
        """Give a file of this machine its place, whole or not at all. Raises FileExistsError if there is one."""

    def holds(self, name: str, path: Path) -> bool:
        """Return whether what lies there is what ``add`` made of this file."""

    def fetch(self, name: str, folder: Path) -> Path:
        """Return the file on this machine, in ``folder`` if it is not here already. Raises FileNotFoundError."""

    def delete(self, name: str) -> None:
        """Delete it; one that is gone is deleted."""

    def check(self) -> None:
        """Raise OSError if it cannot be used."""


def media() -> MediaStorage:
    """Return where videos lie. A row names them relative to it."""
    return cast("MediaStorage", default_storage)


def songs() -> MediaStorage:
    return cast("MediaStorage", storages["songs"])

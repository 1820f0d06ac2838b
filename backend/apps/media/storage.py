"""The interface of a storage of media, which a directory and a bucket implement."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast

from django.core.files.storage import default_storage, storages


@dataclass(frozen=True)
class StoredFile:
    """A file in a storage, as it was when it was read."""

    name: str
    size: int
    modified_at: datetime
    version: str  # changes with the content


class MediaStorage(Protocol):
    """Storage of songs and videos. Faults of the disk, the network or the service are OSErrors."""

    def canonical(self, name: str) -> str | None:
        """Return the canonical name of a file, which need not exist. ``name`` may be absolute, or lead through links.

        None if the file lies outside the storage: old rows may hold any path.
        """

    def find(self, name: str) -> StoredFile | None:
        """Return the file that ``name`` means; None if it does not exist or lies outside the storage."""

    def files(self, folder: str = "") -> list[StoredFile]:
        """Return all files below a folder, however deep, sorted by name."""

    def read(self, file: StoredFile, start: int, stop: int) -> Iterator[bytes]:
        """Return these bytes of the file, piece by piece."""

    def aside(self) -> AbstractContextManager[Path]:
        """Give a temporary folder of this machine, in which a file is written before it is added."""

    def add(self, name: str, path: Path) -> None:
        """Add a file of this machine under a name, whole or not at all. Raises FileExistsError if the name is taken."""

    def holds(self, name: str, path: Path) -> bool:
        """Return whether the stored file is what ``add`` made of this file."""

    def fetch(self, name: str, folder: Path) -> Path:
        """Return the file on this machine, in ``folder`` if it is not here already. Raises FileNotFoundError."""

    def delete(self, name: str) -> None:
        """Delete a file; a missing one is no error."""

    def check(self) -> None:
        """Raise OSError if the storage cannot be used."""


def media() -> MediaStorage:
    """Return the storage of videos. A row names them relative to it."""
    return cast("MediaStorage", default_storage)


def songs() -> MediaStorage:
    return cast("MediaStorage", storages["songs"])

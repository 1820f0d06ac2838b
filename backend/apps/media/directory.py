"""Media in a folder of this machine."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.utils.functional import cached_property

from apps.media.storage import StoredFile

CHUNK_BYTES = 256 * 1024


class FileSpan:
    """The next ``length`` bytes of an open file, which is closed when they are read."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self.file = file
        self.length = length

    def __iter__(self) -> Iterator[bytes]:
        remaining = self.length
        with self.file:
            while remaining and (chunk := self.file.read(min(CHUNK_BYTES, remaining))):
                remaining -= len(chunk)
                yield chunk

    def close(self) -> None:
        self.file.close()


class DirectoryStorage(FileSystemStorage):
    """The media root, or one folder of it."""

    def __init__(self, folder: str = "") -> None:
        super().__init__()
        self.folder = folder

    @cached_property
    def base_location(self) -> Path:
        return Path(settings.MEDIA_ROOT, self.folder)

    def canonical(self, name: str) -> str | None:
        root = os.path.realpath(self.location)
        try:
            # realpath follows symbolic links, so a link inside the root cannot lead out of it.
            path = Path(os.path.realpath(Path(root, name)))
        except (OSError, ValueError):
            return None  # a name that no file can have: with a NUL
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else None

    def find(self, name: str) -> StoredFile | None:
        known = self.canonical(name)
        return self._stored(known) if known is not None else None

    def _stored(self, name: str) -> StoredFile | None:
        path = Path(self.location, name)
        try:
            info = path.stat() if path.is_file() else None
        except OSError:
            return None  # deleted meanwhile, or its name is too long
        if info is None:
            return None
        modified_at = datetime.fromtimestamp(info.st_mtime, tz=UTC)
        return StoredFile(name, info.st_size, modified_at, version=f"{info.st_mtime_ns:x}")

    def files(self, folder: str = "") -> list[StoredFile]:
        root = Path(self.location)
        # os.walk, since it steps over a folder that another request has removed meanwhile.
        paths = (Path(where, name) for where, _, names in os.walk(root / folder) for name in names)
        names = sorted(path.relative_to(root).as_posix() for path in paths)
        return [file for file in map(self._stored, names) if file]

    def read(self, file: StoredFile, start: int, stop: int) -> FileSpan:
        opened = Path(self.location, file.name).open("rb")  # noqa: SIM115 - the span closes it
        opened.seek(start)
        return FileSpan(opened, stop - start)

    @contextmanager
    def aside(self) -> Iterator[Path]:
        # On the same file system, and hidden: no list of files shows it.
        Path(self.location).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".upload-", dir=self.location) as folder:
            yield Path(folder)

    def add(self, name: str, path: Path) -> None:
        target = Path(self.location, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(path)  # unlike a rename, never replaces what is there
        _fsync(target.parent)

    def holds(self, name: str, path: Path) -> bool:
        target = Path(self.location, name)
        return path.exists() and target.exists() and target.samefile(path)

    def fetch(self, name: str, folder: Path) -> Path:  # noqa: ARG002 - it is here already
        path = Path(self.location, name)
        if not path.is_file():
            raise FileNotFoundError(name)
        return path

    def delete(self, name: str) -> None:
        Path(self.location, name).unlink(missing_ok=True)

    def check(self) -> None:
        # Write, because permissions are not enough: the disk may be full, or mounted read-only.
        with tempfile.TemporaryFile(dir=self.location) as file:
            file.write(b"ready?")


def _fsync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

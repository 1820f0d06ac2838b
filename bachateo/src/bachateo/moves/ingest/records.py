"""What ingest keeps in the library's folder, so that work that is finished is never done again."""

from __future__ import annotations

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from bachateo.cache import content_key
from bachateo.errors import ClipError
from bachateo.files import written_aside
from bachateo.moves.library import INDEX_NAME

STATE = ".ingest"
CLIPS = "clips"
SETTINGS = "settings.json"
# A child that a killed ingest was just starting has its lock until it is started: two seconds are plenty.
PATIENT = Retrying(
    retry=retry_if_exception_type(BlockingIOError), stop=stop_after_attempt(21), wait=wait_fixed(0.1), reraise=True
)


class AtWorkError(ClipError):
    """Another ingest is at work in this library, or on this share of it."""


@dataclass(frozen=True)
class Records:
    """The records of one library.

    A record is written after what it describes, so that a run which is killed leaves work without a record, never a
    record without the work.
    """

    folder: Path

    @contextmanager
    def claimed(self, *, part: str = "") -> Iterator[None]:
        """Keep every other ingest away from this library; with ``part`` those of the whole and of the same part.

        Raises
        ------
        ClipError
            CH093: another one is at work, or the library was not ingested.
        """
        if (self.folder / INDEX_NAME).exists() and not (self.folder / STATE).is_dir():
            raise ClipError(
                "CH093", f"{self.folder} holds a library that was not ingested; it was left alone. Choose another one."
            )
        try:
            (self.folder / STATE).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ClipError(
                "CH093", f"{self.folder} cannot hold a library ({error.strerror}). Choose a folder."
            ) from error
        with self._locked("lock", fcntl.LOCK_SH if part else fcntl.LOCK_EX):
            if part:
                with self._locked(f"lock-{part}", fcntl.LOCK_EX):
                    yield
                return
            for abandoned in (*self.folder.glob(".*.part"), *self.folder.glob("*/.*.part")):
                abandoned.unlink()
            yield

    @contextmanager
    def _locked(self, name: str, how: int) -> Iterator[None]:
        with (self.folder / STATE / name).open("a") as lock:
            try:
                PATIENT(fcntl.flock, lock, how | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise AtWorkError("CH093", f"another ingest is at work in {self.folder}. Wait for it.") from error
            yield

    def found(self, name: str) -> dict[str, Any] | None:
        """Return a record, or ``None``."""
        try:
            fields = json.loads((self.folder / STATE / name).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return fields if isinstance(fields, dict) else None

    def keep(self, name: str, fields: dict[str, Any]) -> None:
        """Write a record, whole or not at all."""
        with written_aside(self.folder / STATE / name) as aside:
            aside.write_text(json.dumps(fields, indent=1))

    def clip(self, clip_id: str, key: str) -> Path:
        """Return where a clip is or shall be, relative to the library."""
        return Path(CLIPS) / f"{re.sub(r'[^A-Za-z0-9_-]', '_', clip_id)[:60]}-{key[:16]}.mp4"

    def finished(self, name: str) -> dict[str, Any] | None:
        """Return the record of a clip that is there and unharmed, or ``None``."""
        record = self.found(name)
        if record is None:
            return None
        clip = self.folder / str(record.get("video_path"))
        return record if clip.is_file() and content_key(clip) == record.get("sha256") else None

    def sweep(self, names: set[str]) -> None:
        """Remove the records that are not among ``names``, and the clips that only they describe."""
        records = list((self.folder / STATE).glob("*-*.json"))
        kept = {str(record["video_path"]) for name in names if (record := self.found(name)) and "video_path" in record}
        for path in records:
            if path.name in names:
                continue
            video_path = (self.found(path.name) or {}).get("video_path")
            if isinstance(video_path, str) and video_path not in kept and Path(video_path).parent == Path(CLIPS):
                (self.folder / video_path).unlink(missing_ok=True)
            path.unlink()

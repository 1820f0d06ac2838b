"""Copies the files of the backend's storage into a backup, while jobs write and people delete.

They are copied twice: before the database's snapshot, and again after it. A file that a row of the snapshot names was
there during one of both, unless it was made and deleted meanwhile. Equal files are kept once in all backups, as links.
"""

import base64
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handover.backup.manifest import FILE_LIST, FILES, place_of, read_files, sha256_of
from handover.backup.programs import BackupError
from handover.config.config import Config
from handover.private_files import open_private
from handover.probe.client import Probe, probe

PART_BYTES = 4 << 20
Key = tuple[str, str]  # the place of a file, "" for the default storage, and its name


@contextmanager
def file_source(config: Config) -> Iterator[Probe]:
    """Give a probe in the backend that hands out its files."""
    with probe("the backend", config.backend, config.root, act_on={}) as agent:
        agent.load("objects")
        agent.ask("places", folders=list(config.backup.folders), storages=list(config.backup.storages))
        yield agent


@dataclass
class FileCopies:
    """The files of one backup.

    Attributes
    ----------
    agent
        Hands out the files.
    folder
        The folder of the backup.
    ignore
        Patterns of names that are left out.
    older
        Folders of earlier whole backups, the newest first.
    before, after
        Checksum and size by place and name, as they were before and after the snapshot.
    copied, linked
        How many different files were copied, and how many an earlier backup had.
    """

    agent: Probe
    folder: Path
    ignore: tuple[str, ...]
    older: tuple[Path, ...]
    before: dict[Key, tuple[str, int]] = field(default_factory=dict)
    after: dict[Key, tuple[str, int]] = field(default_factory=dict)
    copied: int = 0
    linked: int = 0

    def copy(self, into: dict[Key, tuple[str, int]], say: Callable[[str], None]) -> None:
        """Copy every file that is there now, and note it in ``into``."""
        (self.folder / FILES).mkdir(mode=0o700, exist_ok=True)
        first = True
        while page := self.agent.ask("objects", first=first, ignore=list(self.ignore)):
            first = False
            for one in page:
                if "sha256" in one and (kept := self._kept(one)):
                    into[one["place"], one["name"]] = kept
            say(f"{len(into)} files")

    def _kept(self, one: Mapping[str, Any]) -> tuple[str, int] | None:
        """Keep a file; return its checksum and size, or None if it is gone."""
        place = place_of(one["sha256"])
        target = self.folder / place
        if target.exists() or self._link(place, one["sha256"]):
            return one["sha256"], one["size"]
        return self._fetch(one["place"], one["name"])

    def _link(self, place: Path, digest: str) -> bool:
        for folder in self.older:
            # A copy that was damaged since must not spread into every later backup.
            if (folder / place).is_file() and sha256_of(folder / place) == digest:
                target = self.folder / place
                target.parent.mkdir(mode=0o700, exist_ok=True)
                try:
                    target.hardlink_to(folder / place)
                except OSError:
                    return False  # this file system has no links; then it is copied
                self.linked += 1
                return True
        return False

    def _fetch(self, place: str, name: str) -> tuple[str, int] | None:
        aside = self.folder / FILES / f".{secrets.token_hex(8)}"
        digest, size, first = hashlib.sha256(), 0, True
        try:
            with open_private(aside, "wb") as file:
                while True:
                    answer = self.agent.ask("part", place=place, name=name, first=first, size=PART_BYTES)
                    if answer.get("gone"):
                        return None
                    if not (data := base64.b64decode(answer["data"])):
                        break
                    first = False
                    digest.update(data)
                    size += file.write(data)
            target = self.folder / place_of(digest.hexdigest())
            target.parent.mkdir(mode=0o700, exist_ok=True)
            aside.replace(target)
        finally:
            aside.unlink(missing_ok=True)
        self.copied += 1
        return digest.hexdigest(), size

    def overwritten(self) -> list[str]:
        """Return the files whose content changed while the backup was made."""
        return sorted(_shown(key) for key, kept in self.before.items() if key in self.after and self.after[key] != kept)

    def finish(self, named: Iterable[str]) -> dict[str, Any]:
        """Write the list of the files, remove what does not belong to it, and return what happened meanwhile.

        Parameters
        ----------
        named
            What the rows of the snapshot name.
        """
        wanted = set(named)
        gone = {key: kept for key, kept in self.before.items() if key not in self.after}
        # A deleted file belongs to the snapshot if one of its rows still names it.
        needed = {key: kept for key, kept in gone.items() if _named(key, wanted)}
        every = {**self.after, **needed}
        with open_private(self.folder / FILE_LIST, "wb") as file:
            for (place, name), (digest, size) in sorted(every.items()):
                line = {"place": place, "name": name, "size": size, "sha256": digest}
                file.write((json.dumps(line) + "\n").encode())
        self._remove_strangers({digest for digest, _ in every.values()})
        there = {name for place, name in every if not place}
        lacking = sorted(name for name in wanted if not _among(name, there))
        return {
            "files": len(every),
            "bytes": sum(size for _, size in every.values()),
            "copied": self.copied,
            "linked": self.linked,
            "overwritten_meanwhile": self.overwritten(),
            "deleted_meanwhile": len(gone),
            "deleted_meanwhile_and_kept": len(needed),
            "came_meanwhile": sum(key not in self.before for key in self.after),
            "rows_name_missing_files": lacking,
        }

    def _remove_strangers(self, wanted: set[str]) -> None:
        for path in sorted((self.folder / FILES).rglob("*"), reverse=True):
            if path.is_file() and path.name not in wanted:
                path.unlink()
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def write_files(backup: Path, place: str, target: Path) -> int:
    """Write the files of one place into a new folder; return how many.

    Parameters
    ----------
    backup
        The folder of the backup.
    place
        The setting that names the folder, "" for the default storage.
    target
        The folder to make; it may be there and empty.

    Raises
    ------
    BackupError
        A name leads out of the folder, or a file did not arrive as it was.
    """
    found = [one for one in read_files(backup) if one["place"] == place]
    for one in found:
        if one["name"].startswith("/") or ".." in Path(one["name"]).parts:
            raise BackupError(f"the backup names a file outside of its folder: {one['name']!r}. Nothing was put there.")
    if target.is_mount():
        _fill(backup, found, target)  # nothing can be renamed onto it
        return len(found)
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    _make_folder(aside)
    try:
        _fill(backup, found, aside)
        aside.rename(target)  # onto nothing, or an empty folder
    except BaseException:
        shutil.rmtree(aside)
        raise
    return len(found)


def _fill(backup: Path, files: list[dict[str, Any]], folder: Path) -> None:
    for one in files:
        path = folder / one["name"]
        _make_folder(path.parent)
        _copy(backup / place_of(one["sha256"]), path)
        if sha256_of(path) != one["sha256"]:
            raise BackupError(f"{one['name']} is not what was backed up: the disk changed it. Use another disk.")


def _make_folder(folder: Path) -> None:
    """Make a folder, closed to other accounts, with those above it; ``mkdir`` alone would leave these open."""
    if not folder.parent.is_dir():
        _make_folder(folder.parent)
    folder.mkdir(mode=0o750, exist_ok=True)


def _copy(source: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    with source.open("rb") as old, os.fdopen(descriptor, "wb") as new:
        for part in iter(lambda: old.read(PART_BYTES), b""):
            new.write(part)
        new.flush()
        os.fsync(new.fileno())


def _named(key: Key, wanted: set[str]) -> bool:
    place, name = key
    return not place and (name in wanted or any(text.endswith(f"/{name}") for text in wanted))


def _among(text: str, names: set[str]) -> bool:
    """Return whether a row's text means one of the files; old rows hold the whole path that a file had on a disk."""
    parts = text.split("/")
    return any("/".join(parts[start:]) in names for start in range(len(parts)))


def _shown(key: Key) -> str:
    place, name = key
    return f"{place}: {name}" if place else name

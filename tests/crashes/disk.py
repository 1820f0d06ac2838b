"""A small file system for the media: it can be filled, and made read-only."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOMY = "4g"


@dataclass(frozen=True)
class SmallDisk:
    """A mounted folder; without one, what needs it is left out with a reason."""

    folder: Path
    mounted: bool

    @property
    def why_not(self) -> str:
        """Why it cannot be filled or made read-only here; '' if it can."""
        return (
            "" if self.mounted else "only root can mount a small file system, so no disk was filled or made read-only"
        )

    def fill(self) -> None:
        """Make it as small as what lies on it."""
        now = os.statvfs(self.folder)
        used = (now.f_blocks - now.f_bfree) * now.f_frsize
        _mount("-o", f"remount,size={used}", str(self.folder))

    def empty(self) -> None:
        """Give the room back."""
        _mount("-o", f"remount,size={ROOMY}", str(self.folder))

    def make_read_only(self) -> bool:
        """Refuse writing; return whether it does, which waits for no file that is being written."""
        return _mount("-o", "remount,ro", str(self.folder))

    def make_writable(self) -> None:
        """Allow writing again."""
        _mount("-o", "remount,rw", str(self.folder))


def files_in(folder: Path, pattern: str) -> set[Path]:
    """Return what fits the pattern, while others make and remove files there."""
    while True:
        try:
            return set(folder.glob(pattern))
        except FileNotFoundError:
            continue  # a folder went away while it was read


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount a file system at ``folder`` while the block runs, if that is allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = os.geteuid() == 0 and _mount("-t", "tmpfs", "-o", f"size={ROOMY}", "crash", str(folder))
    try:
        yield SmallDisk(folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> bool:
    done = subprocess.run(["mount", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0

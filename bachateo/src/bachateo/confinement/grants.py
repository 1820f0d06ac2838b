"""What every confined child may read: its own code, the libraries that it loads, and a few devices."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

# Where systems keep libraries, and what reads of the machine and of the own process do no harm.
SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
OWN = ("/sys/devices/system/cpu", "/proc/self/maps")
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
# Packages that a child imports; a folder of `sys.path` with none of them is an application's.
NEEDED = ("bachateo", "av", "numpy")


@cache
def code_folders() -> list[str]:
    """Return the folders of ``sys.path`` that hold the code of a child, not those of an application."""
    return [entry for entry in sys.path if entry and _holds_code(Path(entry))]


@cache
def readable() -> list[str]:
    """Return the files and folders that every child may read."""
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return [*code_folders(), *map(str, _homes()), *SYSTEM, *filter(None, libraries), *OWN, *DEVICES]


def _holds_code(folder: Path) -> bool:
    below = any(folder.is_relative_to(home) for home in _homes())
    return below or any((folder / name / "__init__.py").is_file() for name in NEEDED)


def _homes() -> list[Path]:
    return [Path(prefix, lib) for prefix in (sys.prefix, sys.base_prefix) for lib in ("lib", "lib64")]

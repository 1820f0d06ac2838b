"""The manifest of a backup: what belongs to it, with sizes and checksums. It is written last; without it there is none.

A folder that holds a backup has the parts (the dump and what goes with it), the files by their checksum below
``files/``, and the manifest. A byte more, less or other than the manifest says is found by :func:`damages`.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from handover.errors import HandoverError
from handover.private_files import open_private
from handover.troubles import why_unreadable

MANIFEST, FILES, FORMAT = "manifest.json", "files", 1
DUMP, STRUCTURE, ROLES, FILE_LIST, DOCUMENTS = (
    "database.dump",
    "structure.sql",
    "roles.json",
    "files.jsonl",
    "index.jsonl",
)
PIECE_BYTES = 1 << 20


class DamagedBackupError(HandoverError):
    """A folder holds no whole backup, or not what its manifest says."""

    code = "HO561"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def place_of(digest: str) -> Path:
    """Return where a file with this checksum lies, relative to the backup's folder."""
    return Path(FILES, digest[:2], digest)


def seal(folder: Path, facts: dict[str, Any]) -> str:
    """Write the manifest of a folder whose parts are complete, and bring everything to the disk.

    Parameters
    ----------
    folder
        The folder.
    facts
        What else the manifest says; never a secret.

    Returns
    -------
    str
        The SHA-256 of the manifest.
    """
    parts = {
        path.name: {"size": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.iterdir())
        if path.is_file()
    }
    with open_private(folder / MANIFEST, "wb") as file:
        file.write(_rendered({**facts, "format": FORMAT, "parts": parts}))
    for path in (*_all_of(folder), folder):
        _to_disk(path)
    return sha256_of(folder / MANIFEST)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what a manifest says.

    Raises
    ------
    DamagedBackupError
        There is none, or it is not as it was written.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
        facts: dict[str, Any] = json.loads(text)
    except (OSError, ValueError) as error:
        message = f"{folder} holds no whole backup: {MANIFEST}: {why_unreadable(error)}."
        raise DamagedBackupError(
            f"{message} A backup that was interrupted has no manifest; use another one."
        ) from error
    known = facts.get("format") if isinstance(facts, dict) else None
    if known != FORMAT or text != _rendered({key: value for key, value in facts.items() if key != "seal"}):
        message = f"{folder / MANIFEST} is not as it was written, or of another version of handover (format {known})."
        raise DamagedBackupError(f"{message} Use another backup, or the version of handover that made this one.")
    return facts


def damages(folder: Path) -> Iterator[str]:
    """Yield everything that differs from what the manifest says, a line each.

    Raises
    ------
    DamagedBackupError
        There is no manifest, or it is not as it was written.
    """
    facts = read_manifest(folder)
    expected = {Path(name): part for name, part in facts["parts"].items()}
    if all(part == _found(folder / name) for name, part in expected.items()):
        files = read_files(folder)
        expected |= {place_of(one["sha256"]): {"size": one["size"], "sha256": one["sha256"]} for one in files}
    else:
        # The list of files cannot be trusted, so files by themselves are not judged.
        expected |= {path.relative_to(folder): _found(path) for path in _all_of(folder / FILES) if path.is_file()}
    for name, part in sorted(expected.items()):
        found = _found(folder / name)
        if found is None:
            yield f"{name} is missing"
        elif found != part:
            yield f"{name} is not what was written: {_words(found)}; {_words(part)} expected"
    strangers = {path.relative_to(folder) for path in _all_of(folder) if not path.is_dir()} - {
        *expected,
        Path(MANIFEST),
    }
    yield from (f"{name} does not belong to this backup" for name in sorted(strangers))


def verified(folder: Path) -> dict[str, Any]:
    """Return the manifest of a backup of which every byte is as it was written.

    Raises
    ------
    DamagedBackupError
        Something is missing, different, or too much; the message names all of it.
    """
    found = list(damages(folder))
    if found:
        lines = "\n       ".join([*found[:20], *([f"and {len(found) - 20} more"] if len(found) > 20 else [])])  # noqa: PLR2004
        message = f"the backup in {folder} is damaged:\n       {lines}"
        raise DamagedBackupError(f"{message}\n       Use another backup. handover backup --verify FOLDER looks at one.")
    return read_manifest(folder)


def read_files(folder: Path) -> list[dict[str, Any]]:
    """Return the backed-up files: place, name, size, checksum."""
    path = folder / FILE_LIST
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def is_whole(folder: Path) -> bool:
    """Return whether a folder has a manifest; whether every byte is right says only :func:`verified`."""
    return (folder / MANIFEST).is_file() and not folder.name.startswith(".")


def _rendered(facts: dict[str, Any]) -> bytes:
    """Return the only form in which a manifest is written, with the checksum of itself."""
    plain = json.dumps(facts, indent=1, sort_keys=True)
    whole = {**facts, "seal": hashlib.sha256(plain.encode()).hexdigest()}
    return (json.dumps(whole, indent=1, sort_keys=True) + "\n").encode()


def _found(path: Path) -> dict[str, Any] | None:
    if path.is_symlink() or not path.is_file():
        return None
    return {"size": path.stat().st_size, "sha256": sha256_of(path)}


def _words(part: dict[str, Any]) -> str:
    return f"{part['size']} bytes, SHA-256 {part['sha256'][:12]}…"


def _all_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

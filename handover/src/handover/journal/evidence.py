"""One run, one folder: JSON lines, a summary, and a signature over both.

A folder is ``KIND-TIME-ID`` below ``.handover/evidence``. It is written beside its place and renamed when it is
signed, so a run that was interrupted leaves nothing that looks like evidence.
"""

import hashlib
import hmac
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from handover.config.config import Config
from handover.errors import HandoverError
from handover.troubles import why_unreadable

PLACE = Path(".handover/evidence")
KEY_VARIABLE = "HANDOVER_EVIDENCE_KEY"
SUMMARY, SIGNATURE = "summary.json", "signature"
KEY_BYTES = 32


class EvidenceError(HandoverError):
    """Evidence is missing, incomplete, or not what was signed."""

    code = "HO007"


@dataclass(frozen=True)
class Sealed:
    """A finished run.

    Attributes
    ----------
    folder
        Where it lies.
    summary
        What ``summary.json`` holds; always with ``kind`` and ``finished_at`` (ISO 8601, UTC).
    signature
        HMAC-SHA256 over the digests of its files, hexadecimal.
    """

    folder: Path
    summary: Mapping[str, Any]
    signature: str

    @property
    def finished_at(self) -> datetime:
        """When it ended, in UTC."""
        return datetime.fromisoformat(self.summary["finished_at"])

    def lines(self, name: str) -> Iterator[Any]:
        """Yield what one of its files of JSON lines holds."""
        with (self.folder / f"{name}.jsonl").open(encoding="utf-8") as file:
            yield from map(json.loads, file)


class Recorder:
    """Records a run that has not ended; made by :func:`recording`."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.summary: dict[str, Any] = {}
        self._stack = stack
        self._files: dict[str, IO[str]] = {}

    def line(self, name: str, value: object) -> None:
        """Append a value to ``NAME.jsonl``; never personal data, never a secret."""
        if name not in self._files:
            path = self.folder / f"{name}.jsonl"
            self._files[name] = self._stack.enter_context(path.open("w", encoding="utf-8"))
        self._files[name].write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


@contextmanager
def recording(config: Config, kind: str) -> Iterator[Recorder]:
    """Record a run; it becomes evidence when the block ends without an error, and leaves nothing otherwise.

    Parameters
    ----------
    config
        The pair; the folder lies beside its ``handover.toml``.
    kind
        What was run, one word: ``prove``, ``check``, ``backup``, ``rehearsal``.
    """
    place = config.root / PLACE
    place.mkdir(parents=True, exist_ok=True)
    began = datetime.now(UTC)
    name = f"{kind}-{began:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(3)}"
    unfinished = place / f".{name}"
    unfinished.mkdir()
    try:
        with ExitStack() as stack:
            recorder = Recorder(unfinished, stack)
            yield recorder
        times = {"started_at": began.isoformat(), "finished_at": datetime.now(UTC).isoformat()}
        summary = {"kind": kind, **times, **recorder.summary}
        (unfinished / SUMMARY).write_text(json.dumps(summary, indent=2, ensure_ascii=False, default=str) + "\n")
        (unfinished / SIGNATURE).write_text(_sign(unfinished, evidence_key(config)) + "\n")
        unfinished.rename(place / name)
    except BaseException:
        shutil.rmtree(unfinished)
        raise


def latest(config: Config, kind: str) -> Sealed | None:
    """Return the newest finished run of a kind, or None.

    Raises
    ------
    EvidenceError
        Its files are not those that were signed.
    """
    found = sorted((config.root / PLACE).glob(f"{kind}-*"))
    return read(config, found[-1]) if found else None


def read(config: Config, folder: Path) -> Sealed:
    """Read a finished run.

    Raises
    ------
    EvidenceError
        It is no evidence, or its files are not those that were signed.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text())
        signature = (folder / SIGNATURE).read_text().strip()
    except (OSError, ValueError) as error:
        message = f"{folder} is no evidence: {why_unreadable(error)}."
        raise EvidenceError(f"{message} A run's folder holds {SUMMARY} and {SIGNATURE}; run it again.") from error
    if not hmac.compare_digest(signature, _sign(folder, evidence_key(config))):
        message = f"{folder} is not what was signed: a file was changed, or another key signed it. Run it again."
        raise EvidenceError(message)
    return Sealed(folder, summary, signature)


def evidence_key(config: Config) -> bytes:
    """Return the key that signs evidence: HANDOVER_EVIDENCE_KEY, or one made here that only this account reads."""
    if given := os.environ.get(KEY_VARIABLE):
        return given.encode()
    path = config.root / PLACE.parent / "key"
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # made by an earlier run
        new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(new, "wb") as file:
            file.write(secrets.token_hex(KEY_BYTES).encode())
    return path.read_bytes()


def _sign(folder: Path, key: bytes) -> str:
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for path in sorted(p for p in folder.iterdir() if p.name != SIGNATURE):
        with path.open("rb") as file:
            digest.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()

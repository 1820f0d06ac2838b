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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from handover.config.config import Config
from handover.errors import HandoverError
from handover.journal.key import KEY_VARIABLE, folder_key, signing_key
from handover.private_files import open_private, private_folder, read_private, write_private
from handover.troubles import why_unreadable

PLACE = Path(".handover/evidence")
SUMMARY, SIGNATURE = "summary.json", "signature"
CHUNK_BYTES = 1 << 20


class EvidenceError(HandoverError):
    """Evidence, or the key that signs it, is missing, incomplete, or not what was signed."""

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
    def attempt(self) -> int:
        """Which attempt of the move it was made for; older versions made it for the first."""
        return int(self.summary.get("attempt", 1))

    @property
    def finished_at(self) -> datetime:
        """When it ended, in UTC."""
        return datetime.fromisoformat(self.summary["finished_at"])

    def lines(self, name: str) -> Iterator[Any]:
        """Yield what one of its files of JSON lines holds."""
        with open_private(self.folder / f"{name}.jsonl", "r") as file:
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
            self._files[name] = self._stack.enter_context(open_private(path, "w"))
        self._files[name].write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


@contextmanager
def recording(config: Config, kind: str, *, attempt: int = 1) -> Iterator[Recorder]:
    """Record a run; it becomes evidence when the block ends without an error, and leaves nothing otherwise.

    Parameters
    ----------
    config
        The pair; the folder lies beside its ``handover.toml``.
    kind
        What was run, one word: ``prove``, ``check``, ``backup``, ``rehearsal``.
    attempt
        Which attempt of the move it is made for; after a rollback, evidence of an earlier one opens no gate.
    """
    key = evidence_key(config, signs=True)  # a key that is missing is told before the run, not after it
    place = private_folder(config.root / PLACE)
    began = datetime.now(UTC)
    name = f"{_name(kind, began)}{secrets.token_hex(3)}"
    unfinished = place / f".{name}"
    private_folder(unfinished)
    try:
        with ExitStack() as stack:
            recorder = Recorder(unfinished, stack)
            yield recorder
        times = {"started_at": began.isoformat(), "finished_at": datetime.now(UTC).isoformat()}
        summary = {"kind": kind, "attempt": attempt, **times, **recorder.summary}
        write_private(unfinished / SUMMARY, json.dumps(summary, indent=2, ensure_ascii=False, default=str) + "\n")
        write_private(unfinished / SIGNATURE, _sign(unfinished, key) + "\n")
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
        summary = json.loads(read_private(folder / SUMMARY))
        signature = read_private(folder / SIGNATURE).decode().strip()
    except (OSError, ValueError) as error:
        message = f"{folder} is no evidence: {why_unreadable(error)}."
        raise EvidenceError(f"{message} A run's folder holds {SUMMARY} and {SIGNATURE}; run it again.") from error
    if not hmac.compare_digest(signature, _sign(folder, evidence_key(config))):
        message = f"{folder} is not what was signed: a file was changed, or another key signed it. Run it again."
        raise EvidenceError(message)
    if not folder.name.startswith(_name(summary["kind"], datetime.fromisoformat(summary["started_at"]))):
        message = f"{folder} holds a run of {summary['kind']} that began at {summary['started_at']}: it was renamed."
        raise EvidenceError(f"{message} Give it its name again, or run it again.")
    return Sealed(folder, summary, signature)


def evidence_key(config: Config, *, signs: bool = False) -> bytes:
    """Return the key that signs evidence: HANDOVER_EVIDENCE_KEY, or that of the folder."""
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return given.encode()
    return signing_key(config.root) if signs else folder_key(config.root)


def _name(kind: str, began: datetime) -> str:
    return f"{kind}-{began:%Y%m%dT%H%M%S.%fZ}-"


def _sign(folder: Path, key: bytes) -> str:
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for path in sorted(p for p in folder.iterdir() if p.name != SIGNATURE):
        of_file = hashlib.sha256()
        with open_private(path) as file:
            while chunk := file.read(CHUNK_BYTES):
                of_file.update(chunk)
        digest.update(f"{path.name} {of_file.hexdigest()}\n".encode())
    return digest.hexdigest()

"""What happened to people, one JSON line each."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True)
class Visit:
    """One request of a person.

    ``at`` is the end, in seconds since the epoch. ``tab`` is the system whose page the request came from, ``by`` the
    one that answered; empty where no system did. ``failed`` says what was wrong, empty when nothing was.
    """

    at: float
    person: str
    tab: str
    by: str
    step: str
    method: str
    path: str
    status: int
    ms: float
    failed: str = ""
    retried: bool = False
    session_lost: bool = False
    fell_back: bool = False

    @property
    def from_old_tab(self) -> bool:
        """Whether its page had been opened on the other system; an address that was typed comes from no page."""
        return bool(self.by and self.tab) and self.tab != self.by


@dataclass(frozen=True)
class TaskSeen:
    """A task as its owner saw it; ``ended`` is None while it runs, and stays None when the task is lost."""

    task: str
    person: str
    started: float
    started_by: str
    ended: float | None = None
    ended_by: str = ""
    status: str = ""
    cancelled: bool = False


@dataclass(frozen=True)
class Lag:
    """How long it took until a row that one system had written was read by the other."""

    at: float
    writer: str
    reader: str
    seconds: float | None


DiaryEntry = Visit | TaskSeen | Lag
KINDS: dict[str, type[DiaryEntry]] = {"visit": Visit, "task": TaskSeen, "lag": Lag}
NAMES = {kind: name for name, kind in KINDS.items()}


class Diary:
    """Writes entries to a file, each as soon as it is known."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, entry: DiaryEntry) -> None:
        """Append an entry."""
        self._file.write(json.dumps({"kind": NAMES[type(entry)], **asdict(entry)}) + "\n")
        self._file.flush()


def read(file: Path) -> Iterator[DiaryEntry]:
    """Yield the entries of a diary; a last line that is still being written is left out."""
    for line in file.read_text().split("\n")[:-1]:
        values: dict[str, Any] = json.loads(line)
        yield KINDS[values.pop("kind")](**values)


def now() -> float:
    """Return the time that entries carry."""
    return time.time()

"""The attempts of a move: one begins with the first switch, and ends with a rollback that came to its end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from handover.config.config import Config
from handover.errors import Refused
from handover.journal.entry import JournalEntry
from handover.journal.journal import NO_JOURNAL, opened
from handover.runs.position import of_stream

FIRST = 1
# In the body of an entry, in the summary of evidence, and in a plan: the attempt that it was made for.
ATTEMPT = "attempt"


@dataclass(frozen=True)
class EndedAttempt:
    """An attempt that ended: when its rollback was over, and why it was rolled back."""

    number: int
    at: datetime
    because: str

    def __str__(self) -> str:
        why = f": {self.because}" if self.because else ""
        return f"attempt {self.number} ended with the rollback of {self.at:%F %T %Z}{why}"


def ended_attempts(entries: Iterable[JournalEntry]) -> list[EndedAttempt]:
    """Return the attempts that ended, oldest first; those of an evolution's rollback are no attempts."""
    because: dict[str, str] = {}
    ended: list[EndedAttempt] = []
    for entry in of_stream(entries):
        if entry.kind == "run" and entry.body["command"] == "rollback":
            because[entry.body["run"]] = str(entry.body.get("facts", {}).get("because") or "")
        elif entry.kind == "ended" and entry.body["run"] in because:
            ended.append(EndedAttempt(len(ended) + FIRST, entry.at, because.pop(entry.body["run"])))
    return ended


def attempt_of(entries: Iterable[JournalEntry]) -> int:
    """Return the number of the present attempt, from 1: one more than rollbacks came to their end.

    Approvals and evidence belong to the attempt that they were made for. Those that name none were made by an older
    version; they belong to the first.
    """
    return len(ended_attempts(entries)) + FIRST


def present_attempt(config: Config) -> int:
    """Return the number of the present attempt by the journal; the first where the database has no journal yet."""
    return attempt_of(entries_so_far(config))


def entries_so_far(config: Config) -> Sequence[JournalEntry]:
    """Return what the journal holds; nothing where the database has no journal yet."""
    try:
        with opened(config) as journal:
            return journal.entries()
    except Refused as error:
        if error.code == NO_JOURNAL:
            return ()
        raise

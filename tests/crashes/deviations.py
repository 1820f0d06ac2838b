"""What an audit finds: each deviation from what the systems promise, by kind."""

from dataclasses import dataclass

LOST, DUPLICATE, ORPHAN = "lost", "duplicate", "orphan"


@dataclass(frozen=True)
class Deviation:
    """One thing that is not as it must be after all tasks have ended."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


def lost(text: str) -> Deviation:
    """Return a task, a row or a file that is missing, or says something else than it must."""
    return Deviation(LOST, text)


def duplicate(text: str) -> Deviation:
    """Return a thing that is there twice."""
    return Deviation(DUPLICATE, text)


def orphan(text: str) -> Deviation:
    """Return a process, file, lock, connection or lease that belongs to nothing any more."""
    return Deviation(ORPHAN, text)

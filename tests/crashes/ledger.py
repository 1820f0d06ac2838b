"""What people know of their choreographies: what they asked for, what was acknowledged, what they saw."""

import threading
from dataclasses import dataclass, field


@dataclass
class Entry:
    """One task, as the person knows it who asked for it."""

    task_id: str
    user_id: int
    made_by: str  # the system that took the request; the original's tasks have no job
    auto_save: bool | None  # None: no answer told which of two requests it is
    cancel_asked: bool = False
    cancelled: bool = False
    # The choreography in the collection that was asked for by hand and acknowledged; which of them was deleted.
    saved_id: str = ""
    delete_asked: bool = False
    deleted: bool = False
    ended: str = ""

    @property
    def is_sure_to_be_saved(self) -> bool:
        """Whether the collection must hold it once, if it was completed."""
        return (self.auto_save is True or bool(self.saved_id)) and not self.delete_asked


@dataclass
class Ledger:
    """The entries of all people, and what they found wrong while they watched."""

    entries: dict[str, Entry] = field(default_factory=dict)
    # Requests with an Idempotency-Key: the answers that named a task.
    keys: dict[str, set[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    requests: int = 0
    cut: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, entry: Entry) -> Entry:
        """Write a task down."""
        with self.lock:
            if entry.task_id in self.entries:
                self.wrong.append(f"task {entry.task_id} was acknowledged twice, as two different ones")
            self.entries[entry.task_id] = entry
        return entry

    def note(self, text: str) -> None:
        """Write down what is wrong."""
        with self.lock:
            self.wrong.append(text)

    def answered(self, *, whole: bool) -> None:
        """Count a request."""
        with self.lock:
            self.requests += 1
            self.cut += not whole

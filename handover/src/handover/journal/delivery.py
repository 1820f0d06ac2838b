"""Deliver what the journal got, in its order, and remember what each sink has taken.

The copy of the journal on this machine is the queue: an entry is there before anything else is done, so no event is
lost with a process. What a sink has taken is kept beside it, one identity a line. A process that dies between a
delivery and its line delivers again: at least once, and the identity tells that it is the same event.
"""

import fcntl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from handover.config.config import Config
from handover.errors import HandoverError
from handover.journal.copy import JournalCopy
from handover.journal.entry import JournalEntry, machine
from handover.journal.event import event_of
from handover.private_files import PLACE, open_private, read_private

if TYPE_CHECKING:
    from handover.journal.sinks import Sink

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0


def deliver(config: Config, entries: Iterable[JournalEntry]) -> int:
    """Deliver entries to every sink that has not taken them; return how many deliveries were made.

    Parameters
    ----------
    config
        The pair.
    entries
        In their order.

    Raises
    ------
    DeliveryError
        A sink did not take one; those after it wait as well. The other sinks were tried.
    ConfigurationError
        A sink is not declared rightly.
    """
    # The client of HTTP takes as long to load as a whole `status`: only where events are wanted.
    from handover.journal.sinks import sinks  # noqa: PLC0415

    entries, made, trouble = list(entries), 0, None
    for sink in sinks(config):
        try:
            made += _deliver_to(config, sink, entries)
        except HandoverError as error:
            trouble = error
        finally:
            sink.close()
    if trouble:
        raise trouble
    return made


def _deliver_to(config: Config, sink: "Sink", entries: list[JournalEntry]) -> int:
    made = 0
    with _taking(config, sink.name) as taken:
        for entry in entries:
            if entry.id not in taken:
                sink.deliver(event_of(entry, config.root.name))
                taken.add(entry.id)
                made += 1
    return made


class Taken:
    """What a sink has taken; held by one process at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids = set(read_private(path).decode().split()) if path.exists() else set()

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ids

    def add(self, id_: str) -> None:
        """Remember that an event was taken."""
        with open_private(self._path, "a") as file:
            file.write(f"{id_}\n")
        self._ids.add(id_)


@contextmanager
def _taking(config: Config, name: str) -> Iterator[Taken]:
    path = _place(config, name)
    with open_private(path.with_suffix(".lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Taken(path)


def _place(config: Config, name: str) -> Path:
    return config.root / PLACE / f"events-{name}.taken"


def waiting(config: Config) -> dict[str, int]:
    """Return how many entries of this machine each declared sink has not taken."""
    mine = list(own_entries(JournalCopy(config.root)))
    declared = {"file": config.events.file, "webhook": config.events.webhook_env}
    found = {}
    for name in (name for name, value in declared.items() if value is not None):
        taken = Taken(_place(config, name))
        found[name] = sum(entry.id not in taken for entry in mine)
    return found


def waiting_lines(config: Config) -> list[str]:
    """Return a line for each sink that has not taken everything."""
    todo = "Send them: handover events --send"
    return [f"{number} events wait for the {name}. {todo}" for name, number in waiting(config).items() if number]


def own_entries(copy: JournalCopy) -> Iterator[JournalEntry]:
    """Yield what was written on this machine: every other machine delivers its own."""
    return (entry for entry in copy.entries() if entry.machine == machine())


class Courier:
    """Delivers in the background while commands act: a slow or dead address never holds them up."""

    def __init__(self, config: Config) -> None:
        self._config, self._copy = config, JournalCopy(config.root)
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Say that there is a new entry."""
        self._wake.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="events", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait for what is under way, at most ``linger_s``; what is left waits for the next command."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(self._config.events.linger_s)

    def _work(self) -> None:
        """Deliver whenever there is something new; after the end of the command only for ``linger_s``."""
        while self._wake.wait():
            self._wake.clear()
            over = self._stop.is_set()  # before the last delivery: what came until then is in it
            self._deliver_until_taken()
            if over:
                return

    def _deliver_until_taken(self) -> None:
        pause_s, ends = FIRST_PAUSE_S, float("inf")
        while not self._delivered():
            if self._stop.is_set():
                ends = min(ends, time.monotonic() + self._config.events.linger_s)
                time.sleep(FIRST_PAUSE_S)
            elif not self._stop.wait(pause_s):
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            if time.monotonic() >= ends:
                return

    def _delivered(self) -> bool:
        """Try once. What waits is counted by `handover status`, and `handover events --send` says why."""
        try:
            deliver(self._config, own_entries(self._copy))
        except (HandoverError, OSError):
            return False
        return True


@contextmanager
def delivering(config: Config) -> Iterator[Callable[[], None]]:
    """Give what to call after each new entry; it is delivered while the block runs, where ``[events]`` wants it."""
    if not config.events.wanted:
        yield lambda: None
        return
    courier = Courier(config)
    try:
        yield courier.wake
    finally:
        courier.close()

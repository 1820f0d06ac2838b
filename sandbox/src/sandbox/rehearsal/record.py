"""What the name server has answered, and since when: it is asked all the time, from outside."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

import dns.exception

POLL_S = 0.05


class Valued(Protocol):
    """What says which address a name leads to: a name server, or a balancer."""

    def values(self, name: str) -> Sequence[str]:
        """Return the addresses behind a name."""


class RecordWatch:
    """Notes every change of what a name leads to while it is open."""

    def __init__(self, authority: Valued, name: str) -> None:
        self.authority = authority
        self.name = name
        self.changes: list[tuple[float, tuple[str, ...]]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="record watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def changed_to(self, value: str, *, after: float) -> float:
        """Return when the record first had that value since ``after``, in seconds since the epoch.

        Raises
        ------
        LookupError
            It never had.
        """
        for at, values in self.changes:
            if at >= after and values == (value,):
                return at
        raise LookupError(f"{self.name} was never {value}; it was {[values for _, values in self.changes]}")

    def _look(self) -> None:
        last: tuple[str, ...] | None = None
        while not self._stop.wait(POLL_S):
            try:
                values = tuple(self.authority.values(self.name))
            except (dns.exception.DNSException, OSError):
                continue  # a fault of the server; the next query tells
            if values != last:
                self.changes.append((time.time(), values))
                last = values

"""Faults that a name server can have on demand."""

import math
from dataclasses import dataclass

from sandbox.dns.errors import FaultUnknownError

KINDS = ("well", "servfail", "silent", "slow", "unapplied")
REQUESTS = ("queries", "updates", "transfers")


@dataclass(frozen=True)
class DnsFault:
    """What is wrong, and with which requests.

    ``well`` is no fault. ``servfail`` answers SERVFAIL, ``silent`` nothing at all, ``slow`` after ``seconds``;
    ``unapplied`` answers updates as if they were done, and does none of them.
    """

    kind: str = "well"
    of: tuple[str, ...] = REQUESTS
    seconds: float = 0.0

    @classmethod
    def parse(cls, line: str) -> "DnsFault":
        """Read a fault as people type it: ``slow 2 updates``. Raises FaultUnknownError."""
        kind, *rest = line.split() or [""]
        seconds = _seconds(rest.pop(0)) if kind == "slow" and rest else 0.0
        if kind not in KINDS or not set(rest) <= set(REQUESTS) or (kind == "slow") != (seconds > 0):
            raise FaultUnknownError(line)
        return cls(kind, tuple(rest) or REQUESTS, seconds)

    def hits(self, kind: str, request: str) -> bool:
        """Whether a request of that sort meets this fault."""
        return self.kind == kind and request in self.of

    def __str__(self) -> str:
        words = [self.kind, *([f"{self.seconds:g}"] if self.kind == "slow" else []), *self.of]
        return " ".join(words)


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0

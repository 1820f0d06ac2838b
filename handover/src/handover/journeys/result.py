"""What came of a journey."""

from dataclasses import dataclass
from typing import Literal

from handover.side import Side

Kind = Literal["status", "content", "unfinished", "silent"]


@dataclass(frozen=True)
class StepResult:
    """What came of one step.

    Attributes
    ----------
    title, line
        What people call it, and where it stands in ``handover.toml``.
    on
        The system that was asked.
    method, path
        The request; the path with its ``{names}``, since their values may be somebody's.
    status
        HTTP status of the last answer; None when none came.
    latency_ms
        How long the last answer took, to its last byte.
    tries
        How many requests were made: more than one where something was waited for.
    failure
        What is, and what was expected; None when all was right.
    kind
        Of the failure: ``status``, ``content`` (headers and body), ``unfinished`` (waited in vain), ``silent``.
    """

    title: str
    line: int
    on: Side
    method: str
    path: str
    status: int | None
    latency_ms: float
    tries: int
    failure: str | None = None
    kind: Kind | None = None


@dataclass(frozen=True)
class JourneyResult:
    """What came of a run.

    Attributes
    ----------
    journey
        Name of the flow.
    on
        The system that it ran on.
    steps
        Those that were made, in order; after a failure only those that clean up.
    """

    journey: str
    on: Side
    steps: tuple[StepResult, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong, each with line, step and system; none when all was right."""
        return tuple(
            f"line {step.line}: {step.title}, on the {step.on}, {step.failure}" for step in self.steps if step.failure
        )

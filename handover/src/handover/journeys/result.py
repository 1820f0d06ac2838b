"""The results of a journey and of its steps."""

from dataclasses import dataclass
from typing import Literal

from handover.side import Side

FailureKind = Literal["status", "content", "unfinished", "silent"]


@dataclass(frozen=True)
class StepResult:
    """The result of one step.

    Attributes
    ----------
    title, line
        Its name for people, and its line in ``handover.toml``.
    on
        The system that was asked.
    method, path
        The request; the path keeps its ``{names}``, since their values may be personal data.
    status
        HTTP status of the last answer; None when none came.
    latency_ms
        How long the last answer took, up to its last byte.
    tries
        How many requests were made; a step that waits makes several.
    failure
        What is, and what was expected; None when the step succeeded.
    kind
        Of the failure: ``status``, ``content`` (headers and body), ``unfinished`` (it waited too
        long), ``silent`` (no answer).
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
    kind: FailureKind | None = None


@dataclass(frozen=True)
class JourneyResult:
    """The result of one run.

    Attributes
    ----------
    journey
        Name of the flow.
    on
        The system that it ran on.
    steps
        The steps that were made, in order; after a failure only those that clean up.
    """

    journey: str
    on: Side
    steps: tuple[StepResult, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong, each with line, step and system; empty when every step succeeded."""
        return tuple(
            f"line {step.line}: {step.title}, on the {step.on}, {step.failure}" for step in self.steps if step.failure
        )

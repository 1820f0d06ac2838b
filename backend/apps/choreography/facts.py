"""What the job of a task tells beyond the task's row; a task of the original has none of it."""

from dataclasses import dataclass, field
from typing import Any

from apps.jobs.estimates import Estimate, Pace
from apps.jobs.models import Job

UNKNOWN = Estimate()


@dataclass(frozen=True)
class Facts:
    """Facts of one task.

    ``inputs`` is what was asked for, ``ahead`` how many are made before it while it waits, ``relaxed`` which wishes
    were given up, ``hearing`` how sure it is what was heard, ``variety`` how varied the films are. None: not known.
    ``mark`` is of the job's row, if it was read with one.
    """

    inputs: dict[str, Any] = field(default_factory=dict)
    ahead: int | None = None
    estimate: Estimate = UNKNOWN
    relaxed: list[str] | None = None
    hearing: dict[str, Any] | None = None
    variety: dict[str, Any] | None = None
    mark: str = ""


def facts_of(job: Job, *, ahead: int | None, pace: Pace | None) -> Facts:
    """Return the facts of a task from its job; without a pace nothing is estimated."""
    estimate = pace.estimate(job, ahead) if pace and not job.outcome else UNKNOWN
    told = (job.relaxed, job.hearing, job.variety)
    return Facts(job.request, ahead, estimate, *told, mark=getattr(job, "mark", ""))

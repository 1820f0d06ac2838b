"""A task's way through its states, each step a compare-and-set.

The original fails, deletes and reads these rows too. So no step writes a row that is not in the state
it believes, none writes a column it does not mean, and none is ever a ``save()``.
"""

from typing import Any

from django.utils import timezone

from apps.choreography.models import ChoreographyTask

STARTED = ChoreographyTask.Status.STARTED
RUNNING = ChoreographyTask.Status.RUNNING
COMPLETED = ChoreographyTask.Status.COMPLETED
FAILED = ChoreographyTask.Status.FAILED

# Stage: progress and message, as the original writes them and its page shows them.
STAGES = {
    "downloading": (10, "Downloading audio..."),
    "analyzing": (25, "Analyzing music features..."),
    "selecting": (40, "Selecting dance moves..."),
    "generating": (70, "Generating choreography video..."),
    "finalizing": (90, "Finalizing video..."),
}
SUCCESS = "Choreography generated successfully!"
AUTO_SAVED = " (Auto-saved to collection)"


class TaskTakenError(Exception):
    """The row is not ours to write any more: cancelled, purged or failed by somebody else."""


def claim(task_id: str) -> bool:
    """Take a started task. False: it is gone, finished, or another worker has it."""
    return _swap(task_id, {STARTED}, status=RUNNING, **_stage("downloading"))


def advance(task_id: str, stage: str) -> None:
    """Enter the next stage. Raises TaskTakenError."""
    _swap_or_stop(task_id, **_stage(stage))


def complete(task_id: str, *, result: dict[str, Any]) -> None:
    """Finish. Raises TaskTakenError."""
    message = SUCCESS + (AUTO_SAVED if result["auto_saved"] else "")
    _swap_or_stop(
        task_id, status=COMPLETED, progress=100, stage="completed", message=message, result=result, error=None
    )


def fail(task_id: str, *, reason: str) -> bool:
    """Record why it failed. False: somebody else has ended it already."""
    return _swap(task_id, {STARTED, RUNNING}, status=FAILED, progress=0, stage="failed", error=reason)


def _stage(stage: str) -> dict[str, Any]:
    progress, message = STAGES[stage]
    return {"stage": stage, "progress": progress, "message": message}


def _swap_or_stop(task_id: str, **changes: Any) -> None:
    if not _swap(task_id, {RUNNING}, **changes):
        raise TaskTakenError(f"Task {task_id} is no longer running; its work stops here.")


def _swap(task_id: str, states: set[str], **changes: Any) -> bool:
    # update() knows no auto_now, and the original's page shows when a task last moved.
    rows = ChoreographyTask.objects.filter(task_id=task_id, status__in=states)
    return rows.update(updated_at=timezone.now(), **changes) == 1

"""The states of a task. Only the holder of the job's lease writes them.

The original fails, deletes and reads these rows too. So every step locks the row, looks at it, and then
writes only the columns that it changes. A ``save()`` would write all columns.
"""

from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from apps.choreography import original
from apps.choreography.models import ChoreographyTask
from apps.jobs import leases, turns
from apps.jobs.leases import Lease
from apps.jobs.models import Job

STARTED = ChoreographyTask.Status.STARTED
RUNNING = ChoreographyTask.Status.RUNNING
COMPLETED = ChoreographyTask.Status.COMPLETED
FAILED = ChoreographyTask.Status.FAILED
UNFINISHED: set[str] = {STARTED, RUNNING}

# What a task says that may begin at once, also in the original. The place in the queue is told when it is read, and is
# never stored: every move of the queue would have to write every waiting row.
FIRST = "Starting choreography generation..."
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


class StoppedError(Exception):
    """The task has ended already; ``outcome`` says how."""

    def __init__(self, message: str, *, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome


def message_of_place(ahead: int | None) -> str:
    """Return the message of a waiting task with so many others before it; None: more than are counted."""
    if ahead is None or ahead > turns.FURTHEST:
        return f"Waiting: more than {turns.FURTHEST} ahead of you"
    return FIRST if ahead < settings.PARALLEL_RUNNING_LIMIT else f"Waiting: {ahead} ahead of you"


def wait_again(task_id: str) -> None:
    """Let a task whose worker is gone wait for its user's next turn; called within a transaction."""
    task = _locked(task_id)
    if leases.give_back(task_id) and task is not None and (task.status in UNFINISHED or original.was_given_up(task)):
        _update(task, status=STARTED, stage="initializing", progress=0, message=FIRST, error=None)


def call(reservation: Lease) -> None:
    """Check that the task may begin, and forget an earlier execution. Raises LeaseLostError or StoppedError."""
    _write(reservation, UNFINISHED, job_execution_name=None)


def note_execution(reservation: Lease, name: str) -> None:
    """Write which execution was started. Raises LeaseLostError if it has taken the job over: it writes its own name."""
    with leases.short_transaction():
        task = _locked(reservation.task_id)
        leases.held(reservation)
        if task is not None:
            _update(task, job_execution_name=name)


def begin(lease: Lease, *, job_execution_name: str | None) -> None:
    """Write that work begins, in a first or a later attempt. Raises LeaseLostError or StoppedError."""
    _write(lease, UNFINISHED, job_execution_name=job_execution_name, **_running("downloading"))


def advance(lease: Lease, stage: str) -> None:
    """Enter the next stage. Raises LeaseLostError or StoppedError."""
    with leases.short_transaction():
        _write(lease, UNFINISHED, **_running(stage))


def give_way_to_the_original(lease: Lease) -> None:
    """Take the row back if the original has failed it, and show the state that lets the original work.

    Raises LeaseLostError.
    """
    with leases.short_transaction():
        task = _locked(lease.task_id)
        leases.held(lease)
        if task is None:
            return
        status = _status_at_work()
        if original.was_given_up(task):
            reached, _ = STAGES.get(task.stage, (0, ""))
            _update(task, status=status, progress=reached, error=None)
        elif task.status in UNFINISHED and task.status != status:
            _update(task, status=status)


def complete(lease: Lease, *, result: dict[str, Any], **told: Any) -> None:
    """Finish; ``told`` are the columns of what the job tells beyond the row. Raises LeaseLostError or StoppedError."""
    _write(lease, UNFINISHED, result=result, error=None, **ended(COMPLETED, result))
    leases.end(lease, Job.Outcome.COMPLETED, result=result, **told)


def fail(lease: Lease, *, reason: str) -> None:
    """Write why it failed, unless it has ended already. Raises LeaseLostError."""
    with leases.short_transaction():
        try:
            _write(lease, UNFINISHED, error=reason, **ended(FAILED))
        except StoppedError as stopped:
            leases.end(lease, stopped.outcome, error=str(stopped))
        else:
            leases.end(lease, Job.Outcome.FAILED, error=reason)


def ended(status: str, result: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the columns of a task that has ended; the message of a failed task stays as it was."""
    if status == FAILED:
        return {"status": FAILED, "progress": 0, "stage": "failed"}
    message = SUCCESS + (AUTO_SAVED if result and result.get("auto_saved") else "")
    return {"status": COMPLETED, "progress": 100, "stage": "completed", "message": message}


def _running(stage: str) -> dict[str, Any]:
    progress, message = STAGES[stage]
    return {"status": _status_at_work(), "stage": stage, "progress": progress, "message": message, "error": None}


def _status_at_work() -> str:
    # The original refuses its users at three running rows. While it works, our running rows say "started".
    return STARTED if original.is_at_work() else RUNNING


def _write(lease: Lease, states: set[str], **changes: Any) -> None:
    """Write the row if its state is one of ``states``; called within a transaction."""
    task = _locked(lease.task_id)
    job = leases.held(lease)
    if task is None:
        if not original.was_purged(job):
            raise StoppedError(f"Task {lease.task_id} was cancelled.", outcome=Job.Outcome.CANCELLED)
        return  # the original deletes old tasks, running or not; the job keeps the outcome
    if task.status not in states and not original.was_given_up(task):
        reason = task.error or f"Task {lease.task_id} was set to {task.told_status!r} by another program."
        raise StoppedError(reason, outcome=Job.Outcome.FAILED)
    _update(task, **changes)


def _locked(task_id: str) -> ChoreographyTask | None:
    return ChoreographyTask.objects.select_for_update(no_key=True).filter(pk=task_id).first()


def _update(task: ChoreographyTask, **changes: Any) -> None:
    # update() does not set auto_now fields, and the original's page shows updated_at.
    ChoreographyTask.objects.filter(pk=task.pk).update(updated_at=Now(), **changes)

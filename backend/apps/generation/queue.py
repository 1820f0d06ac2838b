"""Which job is next. The table of jobs is the queue; ``apps.jobs.calls`` calls a worker to it."""

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from apps.choreography import progress
from apps.choreography.executions import execution_name
from apps.choreography.models import ChoreographyTask
from apps.generation import files
from apps.jobs import calls, leases
from apps.jobs.leases import Lease
from apps.jobs.models import Job

FIRST = "Starting choreography generation..."
# The number of the advisory lock under which jobs are taken; nothing else uses it.
TAKING = 0x6A6F6273


def call_worker_if_due() -> None:
    """Call a worker if there is a job that it may take now, and no call is waiting."""
    job = _next()
    if job is not None and not calls.is_call_waiting():
        calls.call_worker(job.pk)


def take_next(*, queue_job_id: int) -> Lease | None:
    """Take the next job that may run now: one whose worker is gone, else the one waiting longest."""
    while True:
        with leases.short_transaction():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TAKING])
            job = _next()
            if job is None:
                return None
            if lease := _take(job, queue_job_id=queue_job_id):
                return lease


def _next() -> Job | None:
    left_behind = leases.live().filter(lease_expires_at__lt=Now()).first()
    # A job whose worker is gone still counts: its row says running until the next attempt.
    running = leases.live().filter(token__isnull=False).count()
    if left_behind is not None or running >= settings.PARALLEL_RUNNING_LIMIT:
        return left_behind
    return leases.live().filter(token__isnull=True).first()


def _take(job: Job, *, queue_job_id: int) -> Lease | None:
    # The task is locked before the job, as everywhere.
    ChoreographyTask.objects.select_for_update(no_key=True).filter(pk=job.pk).first()
    lease = leases.take(job.pk, queue_job_id=queue_job_id)
    if lease is None:
        return None
    if _begin(lease, queue_job_id=queue_job_id):
        return lease
    # Before the commit: if this worker is killed in between, the next one removes them again.
    files.remove_files_of(job)
    return None


def _begin(lease: Lease, *, queue_job_id: int) -> bool:
    if lease.attempt > settings.JOB_MAX_ATTEMPTS:
        before = lease.attempt - 1
        reason = f"Its worker was stopped in the middle of the work (attempts: {before}). Please try again."
        progress.fail(lease, reason=reason)
        return False
    try:
        progress.begin(lease, job_execution_name=execution_name(queue_job_id))
    except progress.StoppedError as stopped:
        leases.end(lease, stopped.outcome, error=str(stopped))
        return False
    return True


def message_for(ahead: int) -> str:
    """Return the message of a task that has ``ahead`` others before it."""
    return FIRST if ahead < settings.PARALLEL_RUNNING_LIMIT else f"Waiting: {ahead} ahead of you"


def write_places() -> None:
    """Write the place in the queue into every waiting row where it has changed."""
    for ahead, (task_id, token) in enumerate(leases.live().values_list("task_id", "token")):
        if token is None:
            # One statement for each row: the original locks many rows in another order, so many here could deadlock.
            waiting = ChoreographyTask.objects.filter(pk=task_id, status=ChoreographyTask.Status.STARTED)
            message = message_for(ahead)
            waiting.exclude(message=message).update(message=message, updated_at=Now())

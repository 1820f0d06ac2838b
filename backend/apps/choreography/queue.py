"""Who is next. The table of jobs is the queue; procrastinate is the bell that calls a worker to it.

A bell that rings once too often finds nothing to do, one that was lost is rung again by the sweep.
"""

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from procrastinate import jobs as bells
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.manager import JobManager

from apps.choreography import files, progress
from apps.choreography.executions import execution_name
from apps.choreography.models import ChoreographyTask
from apps.jobs import leases
from apps.jobs.leases import Lease
from apps.jobs.models import Job

NAME = "generate"
FIRST = "Starting choreography generation..."
# The number of the advisory lock under which jobs are taken; any number that nothing else uses.
TAKING = 0x6A6F6273

# Through Django's connection, in its transaction, in a worker too.
_manager = JobManager(DjangoConnector())


def ring(task_id: str) -> int:
    """Call a worker; return the number of the call."""
    bell = bells.Job(queue=NAME, lock=None, queueing_lock=None, task_name=NAME, task_kwargs={"task_id": task_id})
    return _manager.defer_job(bell).id


def ring_if_due() -> None:
    """Call a worker if there is something it may do now, and no call is unanswered."""
    unanswered = ProcrastinateJob.objects.filter(task_name=NAME, status="todo")
    job = _next()
    if job is not None and not unanswered.exists():
        ring(job.pk)


def take_next(*, queue_job_id: int) -> Lease | None:
    """Take the next job that may run now: one that a worker left behind, else the one waiting longest."""
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
    # A job left behind still counts: its row says running until it is taken up again.
    running = leases.live().filter(token__isnull=False).count()
    if left_behind is not None or running >= settings.PARALLEL_RUNNING_LIMIT:
        return left_behind
    return leases.live().filter(token__isnull=True).first()


def _take(job: Job, *, queue_job_id: int) -> Lease | None:
    # The task before the job, as everywhere.
    ChoreographyTask.objects.select_for_update(no_key=True).filter(pk=job.pk).first()
    lease = leases.take(job.pk, queue_job_id=queue_job_id)
    if lease is None:
        return None
    if _begin(lease, queue_job_id=queue_job_id):
        return lease
    # Before the commit: killed in between, the next to take it removes them again.
    files.remove_all_of(job)
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
    """Return what somebody with ``ahead`` others before him reads."""
    return FIRST if ahead < settings.PARALLEL_RUNNING_LIMIT else f"Waiting: {ahead} ahead of you"


def tell_places() -> None:
    """Write the place in the queue into every waiting row where it has changed."""
    for ahead, (task_id, token) in enumerate(leases.live().values_list("task_id", "token")):
        if token is None:
            # A statement for each: whoever locks many rows can meet the original doing so in another order.
            waiting = ChoreographyTask.objects.filter(pk=task_id, status=ChoreographyTask.Status.STARTED)
            message = message_for(ahead)
            waiting.exclude(message=message).update(message=message, updated_at=Now())

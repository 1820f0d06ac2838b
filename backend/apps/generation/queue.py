"""Which job is next. The table of jobs is the queue; ``apps.jobs.calls`` calls a worker to it.

Users take turns, and a job that is tried again waits for its user's next turn like any other. On Cloud Run a job is
reserved when its turn comes, and an execution is asked for that takes it over.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from django.conf import settings
from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from apps.choreography import progress
from apps.choreography.executions import execution_name
from apps.choreography.models import ChoreographyTask
from apps.generation import files
from apps.jobs import calls, cloud_run, leases, turns
from apps.jobs.leases import Lease
from apps.jobs.models import Job

log = logging.getLogger(__name__)

# The number of the advisory lock under which jobs are taken; nothing else uses it.
TAKING = 0x6A6F6273


def call_worker_if_due() -> None:
    """Call a worker if there is a job that it may take now, and no call is waiting."""
    if cloud_run.is_used():
        _start_executions()
    elif not calls.is_call_waiting() and _is_due():
        calls.call_worker()


def _start_executions() -> None:
    """Start an execution for every job that may run now. If one cannot be started, a sweep tries again."""
    while _is_due() and (reservation := reserve_next()):
        try:
            name = cloud_run.start(reservation.task_id)
        except cloud_run.CloudRunError as error:
            log.warning("task %s: no execution was started: %s", reservation.task_id, error)
            leases.undo(reservation)
            return
        try:
            progress.note_execution(reservation, name)
        except leases.LeaseLostError:
            log.info("task %s: %s has begun already", reservation.task_id, name)


def take_next(*, queue_job_id: int) -> Lease | None:
    """Take the next job that may run now: the oldest of the user whose turn it is."""
    return _take_first(partial(leases.take, queue_job_id=queue_job_id), _beginning(execution_name(queue_job_id)))


def reserve_next() -> Lease | None:
    """Reserve the next job that may run now, for an execution."""
    return _take_first(leases.reserve, progress.call)


def take_reserved(task_id: str) -> Lease | None:
    """Take a job for the execution that this process is. None: it has ended, or another process has it."""
    with leases.short_transaction():
        job = leases.live().filter(pk=task_id).first()
        return _take(job, leases.take_over, _beginning(cloud_run.name_of_own())) if job else None


def _take_first(take: Callable[[str], Lease | None], enter: Callable[[Lease], None]) -> Lease | None:
    while True:
        with leases.short_transaction():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TAKING])
            left_behind = leases.left_behind().first()
            # One task in each transaction: the original locks many rows in another order, so two could deadlock.
            if left_behind is not None and left_behind.attempt < settings.JOB_MAX_ATTEMPTS:
                turns.join(left_behind.user_id)
                progress.wait_again(left_behind.pk)
                continue
            job = left_behind or _next()
            if job is None:
                return None
            if lease := _take(job, take, enter):
                turns.end_turn(job.user_id)
                return lease


def _is_due() -> bool:
    is_left = ExpressionWrapper(Q(lease_expires_at__lt=Now()), BooleanField())
    taken = list(leases.taken().order_by().annotate(is_left=is_left).values_list("user_id", "is_left"))
    if any(left for _, left in taken):
        return True
    has_room, at_their_limit, _ = _room(user_id for user_id, _ in taken)
    return has_room and turns.has_waiting(apart_from=at_their_limit)


def _next() -> Job | None:
    has_room, at_their_limit, running = _room(leases.taken().order_by().values_list("user_id", flat=True))
    return turns.next_waiting(apart_from=at_their_limit, running=running) if has_room else None


def _room(users: Iterable[int]) -> tuple[bool, list[int], list[int]]:
    """Return whether one more job may run, the users of whom no more may, and the users of whom one runs.

    ``users``: of each job that is taken.
    """
    running = Counter(users)
    at_their_limit = [user_id for user_id, number in running.items() if number >= settings.USER_RUNNING_LIMIT]
    has_room = running.total() < settings.PARALLEL_RUNNING_LIMIT and settings.USER_RUNNING_LIMIT > 0
    return has_room, at_their_limit, list(running)


def _take(job: Job, take: Callable[[str], Lease | None], enter: Callable[[Lease], None]) -> Lease | None:
    # The task is locked before the job, as everywhere.
    ChoreographyTask.objects.select_for_update(no_key=True).filter(pk=job.pk).first()
    lease = take(job.pk)
    if lease is None:
        return None
    if _has_entered(lease, enter):
        return lease
    files.note_video(job)
    return None


def _beginning(execution: str | None) -> Callable[[Lease], None]:
    return partial(progress.begin, job_execution_name=execution)


def _has_entered(lease: Lease, enter: Callable[[Lease], None]) -> bool:
    if lease.attempt > settings.JOB_MAX_ATTEMPTS:
        before = lease.attempt - 1
        reason = f"Its worker was stopped in the middle of the work (attempts: {before}). Please try again."
        progress.fail(lease, reason=reason)
        return False
    try:
        enter(lease)
    except progress.StoppedError as stopped:
        leases.end(lease, stopped.outcome, error=str(stopped))
        return False
    return True

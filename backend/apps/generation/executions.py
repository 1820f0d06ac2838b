"""What Cloud Run tells of its executions, compared with the jobs: whatever differs is decided, at every sweep.

A job whose execution is over or gone is begun again, or fails when it was begun too often. A job whose execution is on
its way stays reserved. An execution whose job has ended, or was cancelled, is cancelled.
"""

import logging
from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from apps.choreography.models import ChoreographyTask
from apps.jobs import cloud_run, leases
from apps.jobs.cloud_run import CloudRunError, Execution
from apps.jobs.models import Job
from config.clock import database_now

log = logging.getLogger(__name__)

# Google's clock and the database's differ a little.
CLOCKS_DIFFER_BY = timedelta(minutes=1)


def reconcile() -> None:
    """Compare once. If Cloud Run does not answer, the next sweep tries again."""
    try:
        _reconcile()
    except CloudRunError as error:
        log.warning("executions were not looked at: %s", error)


def _reconcile() -> None:
    # The jobs are read first: what has ended since then is not changed below.
    taken = list(leases.taken())
    found = cloud_run.executions(since=_oldest(taken))
    of_task: dict[str, list[Execution]] = defaultdict(list)
    for execution in found:
        of_task[execution.task_id].append(execution)
    names = dict(
        ChoreographyTask.objects.filter(pk__in=[job.pk for job in taken]).values_list("pk", "job_execution_name")
    )
    for job in taken:
        _decide(job, names.get(job.pk), of_task[job.pk])
    _cancel_superfluous(found)


def _oldest(taken: list[Job]) -> datetime:
    longest = timedelta(seconds=settings.JOB_TIME_LIMIT_S + settings.JOB_LEASE_S)
    times = [database_now() - longest, *(job.began_at for job in taken if job.began_at)]
    return min(times) - CLOCKS_DIFFER_BY


def _decide(job: Job, name: str | None, found: list[Execution]) -> None:
    """Let the lease of a job run out if nothing runs any more that could use it; a sweep then begins the job again."""
    if active := [execution for execution in found if not execution.is_over]:
        if not _waits_too_long(job):
            leases.renew_reservation(job.pk)
            return
        for execution in active:
            late = f"{execution.name} was not begun within {settings.JOB_TIME_LIMIT_S:g} s (JOB_TIME_LIMIT_S)"
            log.warning("task %s: %s; it is cancelled, and the task is begun again", job.pk, late)
            cloud_run.cancel(execution.name)
    if not cloud_run.is_name(name):
        return  # a worker has it; or it is not known what was started, and the lease runs out by itself
    known = next((execution for execution in found if execution.name == name), None)
    if known is None and cloud_run.is_there(str(name)):
        return  # the list lags behind
    if job.token and leases.expire(job.pk, job.token):
        log.warning(
            "task %s: execution %s is %s, and the task had not ended", job.pk, name, "over" if known else "gone"
        )


def _waits_too_long(job: Job) -> bool:
    """Return whether its execution waits for a machine that may never come."""
    begun_before = database_now() - timedelta(seconds=settings.JOB_TIME_LIMIT_S)
    return job.owner == leases.RESERVED and job.began_at is not None and job.began_at < begun_before


def _cancel_superfluous(found: list[Execution]) -> None:
    active = [execution for execution in found if not execution.is_over]
    # One that has just completed its task still removes its drafts.
    may_go_on = ~Q(outcome=Job.Outcome.CANCELLED) & (
        Q(outcome=None) | Q(ended_at__gt=Now() - timedelta(seconds=settings.JOB_LEASE_S))
    )
    jobs = Job.objects.filter(may_go_on, pk__in=[execution.task_id for execution in active])
    wanted = set(jobs.values_list("pk", flat=True))
    for execution in active:
        if execution.task_id not in wanted:
            log.info("task %s is not to be made any more; %s is cancelled", execution.task_id, execution.name)
            cloud_run.cancel(execution.name)

"""What the original does to every task, its own or ours, and how the backend recognises it."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import CharField, Exists, OuterRef, QuerySet
from django.db.models.functions import Cast, Now

from apps.choreography.models import ChoreographyTask
from apps.jobs import leases
from apps.jobs.models import Job
from config.clock import database_now

# The original fails every unfinished task that is older than 5 minutes, with exactly this sentence.
STUCK = "Task stuck for more than 5 minutes - likely container restart"
GIVES_UP_AFTER = timedelta(minutes=5)
# The original deletes every task older than this. If a younger one is gone, it was cancelled.
FORGOTTEN_AFTER = timedelta(hours=1)


def is_at_work() -> bool:
    """Return whether the original makes a video now.

    The original counts all running rows, ours too, and refuses its users at three. A row that is old enough for
    the original to fail it does not count.
    """
    running = ChoreographyTask.objects.filter(
        status=ChoreographyTask.Status.RUNNING, created_at__gte=Now() - GIVES_UP_AFTER
    )
    # Each running row is looked up in the jobs: there are few of those, and there may be many live jobs.
    return running.exclude(_has_job(leases.live())).exists()


def _has_job(jobs: QuerySet[Job]) -> Exists:
    # Jobs have the task's id as text.
    return Exists(jobs.filter(pk=Cast(OuterRef("pk"), CharField())))


_TASK_OF_JOB = ChoreographyTask.ID_FROM_TEXT("jobs.task_id")
# The jobs of each user are numbered, so that one user's many do not keep those of others from being repaired.
_TOUCHED = f"""
    SELECT task_id FROM (
        SELECT jobs.task_id, row_number() OVER (PARTITION BY jobs.user_id ORDER BY jobs.created_at, jobs.task_id) AS nth
        FROM jobs LEFT JOIN choreography_tasks AS task ON task.task_id = {_TASK_OF_JOB}
        WHERE jobs.outcome IS NULL AND jobs.token IS NULL AND (
            (task.status = %(failed)s AND task.error = %(stuck)s)
            OR (task.task_id IS NULL AND jobs.created_at > statement_timestamp() - %(forgotten_after)s)
        )
    ) AS touched
    ORDER BY nth LIMIT %(at_most)s
"""  # noqa: S608 - what is put in is a constant


def touched_while_waiting(*, at_most: int) -> list[str]:
    """Return tasks whose job waits and whose row the original failed or deleted; rows that it purged are left out."""
    failed = ChoreographyTask.Status.FAILED
    parameters: Any = {"failed": failed, "stuck": STUCK, "forgotten_after": FORGOTTEN_AFTER, "at_most": at_most}
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, parameters)
        return [task_id for (task_id,) in cursor.fetchall()]


def fail_what_it_left() -> None:
    """Fail the original's unfinished tasks that it would fail itself at its next choreography; perhaps none comes.

    The original may be killed, or switched off. Its rows would then say "running" for ever, and count as running.
    """
    unfinished = [ChoreographyTask.Status.STARTED, ChoreographyTask.Status.RUNNING]
    old = ChoreographyTask.objects.filter(status__in=unfinished, created_at__lt=Now() - GIVES_UP_AFTER)
    theirs = old.exclude(_has_job(Job.objects.all()))
    # One statement for each row: the original locks many rows in another order, so many here could deadlock.
    for task_id in list(theirs.values_list("pk", flat=True)):
        theirs.filter(pk=task_id).update(
            status=ChoreographyTask.Status.FAILED, progress=0, error=STUCK, updated_at=Now()
        )


def was_given_up(task: ChoreographyTask) -> bool:
    """Return whether the original's housekeeping failed the task; the backend takes it back if its job is live."""
    return task.status == ChoreographyTask.Status.FAILED and task.error == STUCK


def was_purged(job: Job) -> bool:
    """Return whether the original deleted the row of this job because of its age; otherwise it was cancelled."""
    return job.created_at <= database_now() - FORGOTTEN_AFTER

"""What the original does to every task, its own or ours, and how the backend recognises it."""

from datetime import timedelta

from django.db.models.functions import Now

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
    return running.exclude(pk__in=leases.live().values("pk")).exists()


def was_given_up(task: ChoreographyTask) -> bool:
    """Return whether the original's housekeeping failed the task; the backend takes it back if its job is live."""
    return task.status == ChoreographyTask.Status.FAILED and task.error == STUCK


def was_purged(job: Job) -> bool:
    """Return whether the original deleted the row of this job because of its age; otherwise it was cancelled."""
    return job.created_at <= database_now() - FORGOTTEN_AFTER

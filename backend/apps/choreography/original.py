"""What the original does to tasks, whoever wrote them, and what it means when it did it to ours."""

from datetime import timedelta

from django.db.models.functions import Now

from apps.choreography.models import ChoreographyTask
from apps.jobs import leases
from apps.jobs.models import Job
from config.clock import database_now

# It fails every unfinished task that is older than 5 minutes, with exactly this sentence.
STUCK = "Task stuck for more than 5 minutes - likely container restart"
GIVES_UP_AFTER = timedelta(minutes=5)
# It deletes every task older than this; a younger one that is gone was cancelled.
FORGOTTEN_AFTER = timedelta(hours=1)


def is_at_work() -> bool:
    """Whether the original makes a video now: it counts running rows, whoever's, and refuses its users at three.

    A row that it would give up before it counts does not count.
    """
    running = ChoreographyTask.objects.filter(
        status=ChoreographyTask.Status.RUNNING, created_at__gte=Now() - GIVES_UP_AFTER
    )
    return running.exclude(pk__in=leases.live().values("pk")).exists()


def was_given_up(task: ChoreographyTask) -> bool:
    """Whether the original's housekeeping failed it. If its job lives on, the row is taken back."""
    return task.status == ChoreographyTask.Status.FAILED and task.error == STUCK


def was_purged(job: Job) -> bool:
    """Whether the row of this job, which is gone, was too old for the original. Else it was cancelled."""
    return job.created_at <= database_now() - FORGOTTEN_AFTER

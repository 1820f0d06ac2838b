"""What the original does to the old tasks of all users."""

from datetime import timedelta

from django.utils import timezone

from choreography.models import ChoreographyTask

STUCK_AFTER = timedelta(minutes=5)
FORGOTTEN_AFTER = timedelta(hours=1)
STUCK = "Task stuck for more than 5 minutes - likely container restart"


def fail_stuck_tasks() -> None:
    """Fail every task that should have ended by now."""
    status = ChoreographyTask.Status
    unfinished = ChoreographyTask.objects.filter(status__in=[status.STARTED, status.RUNNING])
    unfinished.filter(created_at__lt=timezone.now() - STUCK_AFTER).update(
        status=status.FAILED, progress=0, error=STUCK, updated_at=timezone.now()
    )


def forget_old_tasks() -> None:
    """Delete the tasks that are too old to be followed."""
    ChoreographyTask.objects.filter(created_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()

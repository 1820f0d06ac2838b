"""The job of a task: its name in the task's row, and the request."""

from typing import Any

from apps.choreography.models import ChoreographyTask
from apps.jobs.models import Job

PREFIX = "procrastinate/jobs/"


def execution_name(queue_job_id: int) -> str:
    return f"{PREFIX}{queue_job_id}"


def request_of(task: ChoreographyTask) -> dict[str, Any]:
    """Return the request of a task; empty for the original's tasks, which have no job."""
    job = Job.objects.filter(pk=task.pk).first()
    return job.request if job else {}

"""Which job carries a task out: its name in the row, and from there back to what was asked for."""

from typing import Any

from procrastinate.contrib.django.models import ProcrastinateJob

from apps.choreography.models import ChoreographyTask

PREFIX = "procrastinate/jobs/"


def execution_name(job_id: int) -> str:
    return f"{PREFIX}{job_id}"


def request_of(task: ChoreographyTask) -> dict[str, Any]:
    """Return what the job of ``task`` was asked to do; empty for the original's tasks, which have no job."""
    name = task.job_execution_name or ""
    job_id = name.removeprefix(PREFIX)
    if not name.startswith(PREFIX) or not job_id.isdecimal():
        return {}
    job = ProcrastinateJob.objects.filter(pk=job_id).first()
    return job.args if job else {}

"""The job of a task: its name in the task's row, and the request."""

from collections.abc import Iterable
from typing import Any

from apps.choreography.models import ChoreographyTask
from apps.jobs.models import Job

PREFIX = "procrastinate/jobs/"


def execution_name(queue_job_id: int) -> str:
    return f"{PREFIX}{queue_job_id}"


def request_of(task: ChoreographyTask) -> dict[str, Any]:
    """Return the request of a task; empty for the original's tasks, which have no job."""
    return requests_of([task])[task.pk]


def requests_of(tasks: Iterable[ChoreographyTask]) -> dict[str, dict[str, Any]]:
    """Return the requests of tasks by their ids."""
    ids = [task.pk for task in tasks]
    known: dict[str, dict[str, Any]] = dict(Job.objects.filter(pk__in=ids).values_list("pk", "request"))
    return {task_id: known.get(task_id, {}) for task_id in ids}

"""Look tasks up. Only the owner's: to everybody else they do not exist."""

from pathlib import Path

from django.db.models import QuerySet

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.media.files import video_file
from config.errors import ConflictError, NotFoundError


def tasks_of(user: User) -> QuerySet[ChoreographyTask]:
    return ChoreographyTask.objects.filter(user=user)


def task_of(user: User, task_id: str, *, lock: bool = False) -> ChoreographyTask:
    """Return one task, locked until the transaction ends if wanted. Raises NotFoundError."""
    tasks = tasks_of(user).select_for_update() if lock else tasks_of(user)
    # A NUL is the one character that PostgreSQL takes as an error instead of as another id.
    task = None if "\0" in task_id else tasks.filter(pk=task_id).first()
    if task is None:
        raise NotFoundError(f"There is no task {task_id!r}.", code="task-missing")
    return task


def result_of(task: ChoreographyTask) -> dict[str, object]:
    """Return the result as an object, whatever the row holds."""
    return task.result if isinstance(task.result, dict) else {}


def video_name_of(task: ChoreographyTask) -> str:
    """Return the stored name of the task's video. Raises ConflictError before there is one."""
    name = result_of(task).get("video_path")
    if task.status != ChoreographyTask.Status.COMPLETED or not isinstance(name, str):
        raise ConflictError(f"The task is {task.status}; it has no video.", code="no-video")
    return name


def video_of(task: ChoreographyTask) -> Path:
    """Return the task's video. Raises ConflictError before there is one, NotFoundError when it is gone."""
    return video_file(video_name_of(task))

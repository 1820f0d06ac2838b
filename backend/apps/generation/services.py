"""Start a generation, cancel one, forget one."""

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from apps.authentication.models import User
from apps.authentication.selectors import saves_automatically
from apps.choreography import progress
from apps.choreography.executions import execution_name
from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import new_task_shown, result_of, task_of
from apps.collections.services import files_named, forget_files
from apps.generation import files, queue, requests
from apps.jobs import calls, cloud_run, turns
from apps.jobs.models import Job
from apps.media.storage import StoredFile
from apps.quotas.limits import check_new_task
from apps.songs.of_jobs import note_song
from apps.songs.selectors import check_song
from config import logs
from config.errors import ConflictError

log = logging.getLogger(__name__)

CANCELLED = "You cancelled it."
FORGOTTEN = "You deleted it."


def start_generation(
    *, user: User, song: str, difficulty: str, idempotency_key: str | None = None, **wishes: Any
) -> ChoreographyTask:
    """Write the task and its job and call a worker, in one transaction; an execution is started after it.

    ``wishes`` are those of :mod:`apps.generation.requests`. As in the original, the result is saved if both the
    request and the user's preference say so. Raises NotFoundError if there is no such song, QueueFullError or
    QuotaError if the user has as much as one may have.
    """
    check_song(user, song)
    request = requests.completed({"song": song, "difficulty": difficulty} | wishes)
    return _start(user, request, idempotency_key)


def start_generation_once(*, user: User, idempotency_key: str, **wishes: Any) -> tuple[ChoreographyTask, bool]:
    """Start a generation, or return the one that was started with this key; say whether it is new.

    Raises NotFoundError if there is no such song, ConflictError if the key was sent with other wishes.
    """
    if job := _job_of_key(user, idempotency_key):
        return _task_of_same(job, wishes), False
    try:
        return start_generation(user=user, idempotency_key=idempotency_key, **wishes), True
    except IntegrityError:
        # Sent twice at the same moment: the other one was faster.
        if job := _job_of_key(user, idempotency_key):
            return _task_of_same(job, wishes), False
        raise


def _start(user: User, request: dict[str, Any], idempotency_key: str | None) -> ChoreographyTask:
    if request_id := logs.request_id():
        request = request | {"request_id": request_id}
    with transaction.atomic():
        now = check_new_task(user)
        task, job = _write_task_and_job(user, request, idempotency_key, now=now)
        if cloud_run.is_used():
            transaction.on_commit(queue.call_worker_if_due)
    return new_task_shown(task, job)


def _write_task_and_job(
    user: User, request: dict[str, Any], idempotency_key: str | None, *, now: datetime
) -> tuple[ChoreographyTask, Job]:
    task_id = str(uuid.uuid4())
    turns.join(user.pk)
    queue_job_id = None if cloud_run.is_used() else calls.call_worker(task_id)
    task = ChoreographyTask(
        task_id=task_id,
        user=user,
        created_at=now,
        updated_at=now,
        message=progress.FIRST,
        job_execution_name=queue_job_id and execution_name(queue_job_id),
    )
    # Raw: otherwise Django would write this machine's times, which decide the order and the age of tasks.
    task.save_base(raw=True, force_insert=True)
    job = Job.objects.create(
        task_id=task_id,
        user=user,
        request=request,
        auto_save=request["auto_save"] and saves_automatically(user),
        idempotency_key=idempotency_key,
        created_at=now,
        queue_job_id=queue_job_id,
    )
    note_song(task_id, user=user, song=request["song"])
    return task, job


def _job_of_key(user: User, key: str) -> Job | None:
    return Job.objects.filter(user=user, idempotency_key=key).first()


def _task_of_same(job: Job, wishes: dict[str, Any]) -> ChoreographyTask:
    if not requests.is_same(job.request, wishes):
        message = f"Idempotency-Key {job.idempotency_key!r} was sent before, with other wishes. Choose a new key."
        raise ConflictError(message, code="idempotency-key-reused")
    return task_of(job.user, job.pk)


def cancel_generation(*, user: User, task_id: str) -> str:
    """Delete an unfinished task, which stops the work; return the status it had.

    Raises NotFoundError if there is no such task, GoneError if it was cancelled before, ConflictError if it has
    ended: nothing is lost then.
    """
    return _delete(user, task_id, _refuse_finished, why=CANCELLED)


def forget_generation(*, user: User, task_id: str) -> str:
    """Delete a finished task, and its video unless that is in the collection; return the status it had.

    Raises as :func:`cancel_generation`, but ConflictError if it has not ended.
    """
    return _delete(user, task_id, _refuse_unfinished, why=FORGOTTEN)


def cancel_as_the_original(*, user: User, task_id: str) -> str:
    """Cancel a task, or forget it if it has ended; return the status it had. Raises NotFoundError, GoneError."""
    return _delete(user, task_id, lambda _: None, why=CANCELLED)


def _refuse_finished(task: ChoreographyTask) -> None:
    if task.status not in progress.UNFINISHED:
        message = f"The task is {task.told_status}: there is nothing to cancel, and nothing was lost."
        raise ConflictError(message, code="task-finished")


def _refuse_unfinished(task: ChoreographyTask) -> None:
    if task.status in progress.UNFINISHED:
        message = f"The task is {task.told_status}: only a finished one can be forgotten. Cancel it instead."
        raise ConflictError(message, code="task-unfinished")


def _delete(user: User, task_id: str, check: Callable[[ChoreographyTask], None], *, why: str) -> str:
    with transaction.atomic():
        # Locked: if a worker completes it in this moment, this waits for its commit, and the check sees the end.
        task = task_of(user, task_id, lock=True)
        check(task)
        made = files_named([str(result_of(task).get("video_path", ""))], user_id=user.pk)
        ChoreographyTask.objects.filter(pk=task.pk).delete()
        _forget_files_of(task, _remember_deleted(task, why), made)
    # The worker stops by itself when it finds its lease gone.
    _cancel_execution(task)
    queue.call_worker_if_due()
    return task.told_status


def _cancel_execution(task: ChoreographyTask) -> None:
    name = task.job_execution_name
    if name and cloud_run.is_name(name) and task.status in progress.UNFINISHED:
        turns.end_turn(task.user_id)  # its container may never start, and end the turn itself
        try:
            cloud_run.cancel(name)
        except cloud_run.CloudRunError as error:
            log.warning("task %s: %s was not cancelled; a sweep tries again: %s", task.pk, name, error)


def _forget_files_of(task: ChoreographyTask, job: Job, made: Mapping[str, StoredFile]) -> None:
    """Let the video go with the task, unless it was saved."""
    if not made:
        files.note_video(job)
    forget_files(made, user_id=task.user_id, task_ids={task.pk})


def _remember_deleted(task: ChoreographyTask, why: str) -> Job:
    """Record that it was cancelled, for later GETs, and return its job; a task of the original gets one for that."""
    cancelled = {"outcome": Job.Outcome.CANCELLED, "error": why, "ended_at": Now(), "token": None}
    new = {"user_id": task.user_id, "request": {}, "created_at": task.created_at}
    job, _ = Job.objects.update_or_create(
        pk=task.pk, defaults=cancelled | {"lease_expires_at": None, "owner": ""}, create_defaults=cancelled | new
    )
    return job

"""Start a generation, cancel one."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from apps.authentication.models import User
from apps.authentication.selectors import saves_automatically
from apps.choreography import progress
from apps.choreography.executions import execution_name
from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import result_of, shown_as_their_jobs, task_of
from apps.collections.services import files_named, forget_files
from apps.generation import files, queue
from apps.jobs import calls, leases, turns
from apps.jobs.models import Job
from apps.media.storage import StoredFile
from apps.quotas.limits import check_new_task
from apps.songs.selectors import song_named
from config.clock import database_now
from config.errors import ConflictError

CANCELLED = "You cancelled it."


def start_generation(
    *,
    user: User,
    song: str,
    difficulty: str,
    energy: str | None = None,
    seed: int = 0,
    auto_save: bool = True,
    idempotency_key: str | None = None,
) -> ChoreographyTask:
    """Write the task and its job and call a worker, in one transaction.

    As in the original, the result is saved if both the request and the user's preference say so. Raises
    NotFoundError if there is no such song, QueueFullError or QuotaError if the user has as much as one may have.
    """
    song_named(song)
    request = {"song": song, "difficulty": difficulty, "energy": energy, "seed": seed, "auto_save": auto_save}
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
    # Short: a web server that is stopped in the middle keeps its user from the line, and not for long.
    with leases.short_transaction():
        check_new_task(user)
        task = _write_task_and_job(user, request, idempotency_key)
    return shown_as_their_jobs([task])[0]


def _write_task_and_job(user: User, request: dict[str, Any], idempotency_key: str | None) -> ChoreographyTask:
    task_id = str(uuid.uuid4())
    turns.join(user.pk)
    queue_job_id = calls.call_worker(task_id)
    now = database_now()
    task = ChoreographyTask(
        task_id=task_id,
        user=user,
        created_at=now,
        updated_at=now,
        message=progress.FIRST,
        job_execution_name=execution_name(queue_job_id),
    )
    # Raw: otherwise Django would write this machine's times, which decide the order and the age of tasks.
    task.save_base(raw=True, force_insert=True)
    Job.objects.create(
        task_id=task_id,
        user=user,
        request=request,
        auto_save=request["auto_save"] and saves_automatically(user),
        idempotency_key=idempotency_key,
        created_at=now,
        queue_job_id=queue_job_id,
    )
    return task


def _job_of_key(user: User, key: str) -> Job | None:
    return Job.objects.filter(user=user, idempotency_key=key).first()


def _task_of_same(job: Job, wishes: dict[str, Any]) -> ChoreographyTask:
    unsaid = {"energy": None, "seed": 0, "auto_save": True}
    if job.request != unsaid | wishes:
        message = f"Idempotency-Key {job.idempotency_key!r} was sent before, with other wishes. Choose a new key."
        raise ConflictError(message, code="idempotency-key-reused")
    return task_of(job.user, job.pk)


def cancel_generation(*, user: User, task_id: str) -> str:
    """Delete the task, as the original does, which stops the work; return the status it had.

    Raises NotFoundError if there is no such task, GoneError if it was cancelled before.
    """
    with transaction.atomic():
        task = task_of(user, task_id, lock=True)
        made = files_named([str(result_of(task).get("video_path", ""))], user_id=user.pk)
        ChoreographyTask.objects.filter(pk=task.pk).delete()
        _remember_cancelled(task)
        _forget_files_of(task, made)
    # The worker stops by itself when it finds its lease gone.
    queue.call_worker_if_due()
    return task.told_status


def _forget_files_of(task: ChoreographyTask, made: Mapping[str, StoredFile]) -> None:
    """Let the video go with the task, unless it was saved."""
    if not made and (job := Job.objects.filter(pk=task.pk).first()):
        files.note_video(job)
    forget_files(made, user_id=task.user_id, task_ids={task.pk})


def _remember_cancelled(task: ChoreographyTask) -> None:
    """Record that it was cancelled, for later GETs; a task of the original gets a job for that."""
    cancelled = {"outcome": Job.Outcome.CANCELLED, "error": CANCELLED, "ended_at": Now(), "token": None}
    new = {"user_id": task.user_id, "request": {}, "created_at": task.created_at}
    Job.objects.update_or_create(
        pk=task.pk, defaults=cancelled | {"lease_expires_at": None, "owner": ""}, create_defaults=cancelled | new
    )

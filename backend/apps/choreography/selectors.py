"""Look tasks up. Users see only their own; those of others count as missing."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.db.models import IntegerField, Model, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from apps.authentication.models import User
from apps.choreography import original, progress, task_ids
from apps.choreography.facts import facts_of
from apps.choreography.marks import RowMark
from apps.choreography.models import ChoreographyTask
from apps.jobs import estimates, turns
from apps.jobs.models import Job
from apps.media.files import video_file
from apps.media.storage import StoredFile
from config.clock import database_now
from config.errors import ConflictError, GoneError, NotFoundError
from config.prepared import GivenValue, GivenValues, Prepared

# How long a cancelled task answers 410 instead of 404.
GONE_FOR = timedelta(days=1)


def tasks_of(user: User) -> QuerySet[ChoreographyTask]:
    return ChoreographyTask.objects.filter(user=user)


def task_of(user: User, task_id: str, *, lock: bool = False) -> ChoreographyTask:
    """Return one task, locked until the transaction ends if wanted.

    A row that the original failed or deleted is shown as its job says. Raises NotFoundError, GoneError if
    the task was cancelled.
    """
    # PostgreSQL raises an error for a NUL in a text; any other text is merely an unknown id.
    known = _spellings(user, task_id) if "\0" not in task_id else []
    task = _TASK[lock].first(user_id=user.pk, task_ids=known)
    job = _JOB[lock].first(user_id=user.pk, task_ids=known)
    if task is not None:
        return _shown([task], {task.pk: job} if job else {})[0]
    if job is None:
        raise NotFoundError(f"There is no task {task_id!r}.", code="task-missing")
    return _without_row(job)


def version_of(task: ChoreographyTask) -> str:
    """Return what is another whenever the task is shown as another; empty if that is not known."""
    mark = getattr(task, "mark", "")
    facts = task.facts
    return f"{mark} {facts.mark} {facts.ahead} {facts.estimate.starts_at} {facts.estimate.ends_at}" if mark else ""


def version_if_known(user: User, task_id: str) -> tuple[str, str]:
    """Return ``version_of`` a task, and its status, in fewer queries than the task takes; both empty if not by these.

    So it is without a row, without a job, and by an old spelling of the id.
    """
    if "\0" in task_id:
        return "", ""
    job = _VERSION.first(user_id=user.pk, task_id=task_id)
    columns_of_row = getattr(job, "row", None)
    if job is None or columns_of_row is None:
        return "", ""
    mark = columns_of_row.pop("mark")
    task = ChoreographyTask(task_id=job.pk, user_id=user.pk, **columns_of_row)
    task.mark = mark  # type: ignore[attr-defined]  # as task_of annotates it
    _shown([task], {task.pk: job})
    return version_of(task), task.status


def living_owner_of(task_id: str) -> User | None:
    """Return the user of a task, whoever asks, for a link that was signed for it; None if there is no such user."""
    if "\0" in task_id:
        return None
    # One query, whether there is such a task or not: nothing tells them apart.
    rows = (ChoreographyTask.objects.filter(pk=task_id), Job.objects.filter(pk=task_id))
    of_task, of_job = (Q(pk__in=row.values("user_id")) for row in rows)
    return User.objects.filter(of_task | of_job, is_active=True).first()


def hold_task(user: User, task_id: str) -> None:
    """Let no other request and no worker change the task until this transaction ends. Raises as ``task_of``."""
    task_of(user, task_id, lock=True)


def _spellings(user: User, task_id: str) -> list[str]:
    return task_ids.spellings_of(task_id, among=tasks_of(user).values_list("pk", flat=True).iterator())


def shown_as_their_jobs(tasks: list[ChoreographyTask]) -> list[ChoreographyTask]:
    """Return the tasks of one user with their facts; one whose job is live is shown as its job says.

    A waiting task says its place in the queue. What the original has changed in the row is not shown.
    """
    return _shown(tasks, Job.objects.in_bulk([task.pk for task in tasks]))


def new_task_shown(task: ChoreographyTask, job: Job) -> ChoreographyTask:
    """Return a task that was just written, with its facts."""
    return _shown([task], {task.pk: job})[0]


def _shown(tasks: list[ChoreographyTask], jobs: dict[str, Job]) -> list[ChoreographyTask]:
    for task in tasks:
        job = jobs.get(task.pk)
        if job and not job.outcome and (task.status == progress.STARTED or original.was_given_up(task)):
            _show_as_living(task, job)
    _tell_facts(tasks, jobs)
    return tasks


def _tell_facts(tasks: list[ChoreographyTask], jobs: dict[str, Job]) -> None:
    of_tasks = [(task, jobs[task.pk]) for task in tasks if task.pk in jobs]
    unfinished = [job for task, job in of_tasks if not job.outcome and task.status in progress.UNFINISHED]
    waiting = {job.pk for job in unfinished if job.token is None}
    places = turns.places(unfinished[0].user_id, waiting) if waiting else {}
    pace = estimates.pace() if unfinished else None
    for task, job in of_tasks:
        if job.pk in waiting:
            task.message = progress.message_of_place(places.get(job.pk))
        task.facts = facts_of(job, ahead=places.get(job.pk), pace=pace)


def _marked(model: type[Model], *, lock: bool) -> QuerySet[Any]:
    """Return the rows of a user and spellings of a task's id, locked until the transaction ends if wanted."""
    # By the field of the key: in Phase 2 that of tasks makes a UUID of the text.
    spellings = GivenValues("task_ids", model._meta.pk)  # noqa: SLF001 - public by its documentation
    rows: QuerySet[Any] = model._default_manager.order_by().filter(user_id=_USER, pk__in=spellings)  # noqa: SLF001 - as above
    rows = rows.annotate(mark=RowMark())
    return rows.select_for_update() if lock else rows


def _version() -> QuerySet[Job]:
    keys = [GivenValue("task_id", model._meta.pk) for model in (ChoreographyTask, Job)]  # noqa: SLF001 - as above
    columns = JSONObject(status="status", stage="stage", error="error", mark=RowMark())
    row = Subquery(ChoreographyTask.objects.order_by().filter(user_id=_USER, pk=keys[0]).values(columns=columns))
    return Job.objects.order_by().filter(user_id=_USER, pk=keys[1]).annotate(mark=RowMark(), row=row)


_USER = GivenValue("user_id", IntegerField())
_TASK: dict[bool, Prepared[ChoreographyTask]] = {
    lock: Prepared(partial(_marked, ChoreographyTask, lock=lock)) for lock in (False, True)
}
_JOB: dict[bool, Prepared[Job]] = {lock: Prepared(partial(_marked, Job, lock=lock)) for lock in (False, True)}
_VERSION = Prepared(_version)


def _show_as_living(task: ChoreographyTask, job: Job) -> None:
    working = job.token is not None
    task.status = ChoreographyTask.Status.RUNNING if working else ChoreographyTask.Status.STARTED
    task.progress, _ = progress.STAGES.get(task.stage, (0, ""))
    task.error = None


def _without_row(job: Job) -> ChoreographyTask:
    if job.outcome == Job.Outcome.CANCELLED:
        _refuse_cancelled(job)
    if not job.outcome and not original.was_purged(job):
        raise GoneError(f"Task {job.pk!r} was cancelled.", code="task-cancelled")
    if job.outcome:
        state = progress.ended(job.outcome, job.result)
    else:
        state = {"status": progress.RUNNING if job.token else progress.STARTED}
    task = ChoreographyTask(
        task_id=job.pk,
        user_id=job.user_id,
        result=job.result,
        error=job.error,
        created_at=job.created_at,
        updated_at=job.ended_at or job.created_at,
        **state,
    )
    _tell_facts([task], {task.pk: job})
    return task


def _refuse_cancelled(job: Job) -> None:
    if job.ended_at and job.ended_at > database_now() - GONE_FOR:
        raise GoneError(job.error or f"Task {job.pk!r} was cancelled.", code="task-cancelled")
    raise NotFoundError(f"There is no task {job.pk!r}.", code="task-missing")


def result_of(task: ChoreographyTask) -> dict[str, object]:
    """Return the result as an object; empty if the row holds anything else."""
    return task.result if isinstance(task.result, dict) else {}


def video_name_of(task: ChoreographyTask) -> str:
    """Return the stored name of the task's video. Raises ConflictError before there is one."""
    name = result_of(task).get("video_path")
    if task.status != ChoreographyTask.Status.COMPLETED or not isinstance(name, str):
        raise ConflictError(f"The task is {task.told_status}; it has no video.", code="no-video")
    return name


def video_of(task: ChoreographyTask) -> StoredFile:
    """Return the task's video. Raises ConflictError before there is one, NotFoundError when it is gone."""
    return video_file(video_name_of(task), owner_id=task.user_id)

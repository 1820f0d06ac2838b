"""A running or finished generation (table ``choreography_tasks``), in its two shapes.

Phase 1 is what the original made and reads. Phase 2 comes when the original is gone
(docs/reference/phases.md). ``SCHEMA_PHASE`` chooses one, at the end of this module; no other code asks for it.
"""

import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from apps.choreography import task_ids
from apps.choreography.facts import Facts

# Phase 2's words, as the API, the page and the original's addresses tell them: clients know those of Phase 1.
TOLD = {"pending": "started", "processing": "running"}
STATUSES_OF_PHASE_2 = (*TOLD, "completed", "failed")
STATUS_CHECK = "choreography_tasks_status_check"
PROGRESS_CHECK = "choreography_tasks_progress_check"


class TaskIdField(models.UUIDField):  # type: ignore[type-arg] # at run time it takes none
    """A UUID in the database; its text in Python, as every other place has a task's id.

    It takes any text: see :mod:`apps.choreography.task_ids`.
    """

    def to_python(self, value: Any) -> str | None:
        """Return the text of the id's UUID."""
        return None if value is None else str(task_ids.uuid_of(str(value)))

    def from_db_value(self, value: uuid.UUID | None, *_: Any) -> str | None:
        """Return what the database gave as text."""
        return None if value is None else str(value)

    def get_db_prep_value(self, value: Any, *_: Any, **__: Any) -> uuid.UUID | None:
        """Return what the driver sends as a UUID."""
        return None if value is None else task_ids.uuid_of(str(value))


class TaskOfEachPhase(models.Model):
    """What both shapes have."""

    # The column whose type tells the shapes apart: config.guard looks at it.
    TELLING_COLUMN = "task_id"
    # No column: apps.choreography.selectors give it to the tasks that they return.
    facts = Facts()

    stage = models.CharField(max_length=50, default="initializing")
    message = models.TextField(default="Starting choreography generation...")
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)
    # The one column that the original does not know.
    job_execution_name = models.CharField(max_length=500, null=True, blank=True)

    class Meta:
        abstract = True
        db_table = "choreography_tasks"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.pk} ({self.told_status})"

    @property
    def told_status(self) -> str:
        """The status in the words that clients know, in every phase."""
        status: str = getattr(self, "status")  # noqa: B009 - each shape declares it
        return TOLD.get(status, status)


class TaskOfPhase1(TaskOfEachPhase):
    """The original's shape."""

    PHASE = 1
    ADVICE = "The old shape is gone: set SCHEMA_PHASE=2. `handover status` says how far the evolution is."
    # SQL for what task_id is compared with, from SQL for a task's id in another table, where it is text.
    ID_FROM_TEXT = staticmethod(str)

    class Status(models.TextChoices):
        STARTED = "started"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"

    # Text, not a UUID: nothing in the database makes it one, and the original reads it as text.
    task_id = models.CharField(max_length=36, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="choreography_tasks")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.STARTED, db_index=True)
    progress = models.IntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta(TaskOfEachPhase.Meta):
        abstract = True
        indexes = [
            models.Index(fields=["user", "status"], name="choreograph_user_id_1f71cb_idx"),
            models.Index(fields=["created_at"], name="choreograph_created_1c4810_idx"),
        ]


class TaskOfPhase2(TaskOfEachPhase):
    """The improved shape. Its indexes are those that the queries use: ``script/bench indexes``."""

    PHASE = 2
    ADVICE = "The new shape is not there: run `handover evolve start`, or set SCHEMA_PHASE=1."
    ID_FROM_TEXT = staticmethod(task_ids.uuid_in_sql)

    class Status(models.TextChoices):
        # The names are those of Phase 1, because code says by them what it means; so are the labels, for people.
        STARTED = "pending", "Started"
        RUNNING = "processing", "Running"
        COMPLETED = "completed"
        FAILED = "failed"

    task_id = TaskIdField(primary_key=True)
    # No index of its own: the first of tasks_newest_idx is the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="choreography_tasks", db_index=False
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.STARTED)
    progress = models.IntegerField(default=0, validators=[MinValueValidator(0), MaxValueValidator(100)])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TaskOfEachPhase.Meta):
        abstract = True
        constraints = [
            # A system of Phase 1 that comes back writes nothing: its words are refused.
            models.CheckConstraint(condition=models.Q(status__in=STATUSES_OF_PHASE_2), name=STATUS_CHECK),
            models.CheckConstraint(condition=models.Q(progress__range=(0, 100)), name=PROGRESS_CHECK),
        ]
        indexes = [
            models.Index(fields=["user", "created_at", "task_id"], name="tasks_newest_idx"),
            models.Index(
                fields=["status", "created_at"],
                condition=models.Q(status__in=tuple(TOLD)),
                name="tasks_unfinished_idx",
            ),
        ]


# A type checker sees the first alone; to it the shapes are equal.
if TYPE_CHECKING or settings.SCHEMA_PHASE == TaskOfPhase1.PHASE:

    class ChoreographyTask(TaskOfPhase1):
        """The task in the shape of this process's phase."""

else:

    class ChoreographyTask(TaskOfPhase2):
        """The task in the shape of this process's phase."""

"""What the backend knows of a generation beyond its row (table ``jobs`` in schema ``backend``).

The original fails, deletes and purges rows of ``choreography_tasks``. What has to outlive that is here: the
worker, the request and the outcome.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class Job(models.Model):
    class Outcome(models.TextChoices):
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    # The task's id, and no foreign key: the original deletes tasks, and the outcome stays.
    task_id = models.CharField(max_length=36, primary_key=True)
    # The constraint is made by jobs.0002, with ON DELETE CASCADE in the database, and Django leaves it
    # to that: tasks are then locked before jobs also when a user is deleted, as everywhere else.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="jobs", db_constraint=False
    )
    request = models.JSONField(help_text="what was asked for (apps.generation.requests)")
    auto_save = models.BooleanField(default=False, help_text="asked for, and the user's preference agreed")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)
    created_at = models.DateTimeField(help_text="the task's")
    queue_job_id = models.BigIntegerField(null=True, blank=True, help_text="the queue's job that runs it")

    # The lease. A worker writes only while the token is its own; NULL means no worker has the job.
    token = models.UUIDField(null=True, blank=True)
    owner = models.CharField(max_length=255, blank=True, default="", help_text="host and process, for people")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    attempt = models.IntegerField(default=0)
    began_at = models.DateTimeField(null=True, blank=True, help_text="the last attempt")

    # NULL until the job has ended.
    outcome = models.CharField(max_length=20, choices=Outcome.choices, null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    # Not in the result: that is the shared row's, in the original's words.
    relaxed = models.JSONField(null=True, blank=True, help_text="which wishes were given up, in sentences")
    hearing = models.JSONField(null=True, blank=True, help_text="how sure it is what was heard in the song")
    variety = models.JSONField(null=True, blank=True, help_text="how varied the films are")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "jobs"
        ordering = ["created_at", "task_id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="jobs_idempotency_key_uniq"),
        ]
        indexes = [
            # Apart: of an index of both PostgreSQL would read all live jobs to find one user's (jobs.0006).
            models.Index(
                fields=["user", "created_at", "task_id"],
                condition=models.Q(outcome__isnull=True, token__isnull=True),
                name="jobs_waiting_idx",
            ),
            models.Index(
                fields=["lease_expires_at"],
                condition=models.Q(outcome__isnull=True, token__isnull=False),
                name="jobs_taken_idx",
            ),
            models.Index(
                fields=["ended_at"],
                condition=models.Q(outcome="completed", began_at__isnull=False),
                name="jobs_measured_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} ({self.outcome or 'live'})"


class Turn(models.Model):
    """A user in the line (``apps.jobs.turns``). The key is the place: whoever goes to the end gets a new one."""

    # Not a foreign key: the original deletes a user and must not wait for a worker that holds this row. The row
    # leaves when the user's turn comes and no job waits.
    user_id = models.BigIntegerField(unique=True)

    class Meta:
        db_table = "turns"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"user {self.user_id}"


class WorkerQueues(models.Model):
    """The queues that a worker serves, if those are not all."""

    # The constraint is made by jobs.0007: the row leaves with the queue's own row of the worker.
    worker_id = models.BigIntegerField(primary_key=True)
    queues = ArrayField(models.TextField())

    class Meta:
        db_table = "worker_queues"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"worker {self.worker_id}: {', '.join(self.queues)}"

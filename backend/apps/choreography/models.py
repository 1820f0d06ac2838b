"""A running or finished generation, as both systems see it (table ``choreography_tasks``)."""

from django.conf import settings
from django.db import models


class ChoreographyTask(models.Model):
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
    stage = models.CharField(max_length=50, default="initializing")
    message = models.TextField(default="Starting choreography generation...")
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    # The one column that the original does not know.
    job_execution_name = models.CharField(max_length=500, null=True, blank=True)

    class Meta:
        db_table = "choreography_tasks"
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "status"], name="choreograph_user_id_1f71cb_idx"),
            models.Index(fields=["created_at"], name="choreograph_created_1c4810_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} ({self.status})"

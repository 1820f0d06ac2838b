"""Tasks, shared with the monolith, and what hangs on them."""

from django.conf import settings
from django.db import models


class ChoreographyTask(models.Model):
    """One choreography in the making."""

    task_id = models.CharField(max_length=36, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="choreography_tasks")
    status = models.CharField(
        max_length=20,
        choices=[("started", "Started"), ("running", "Running"), ("completed", "Completed"), ("failed", "Failed")],
        default="started",
    )
    progress = models.IntegerField(default=0)
    stage = models.CharField(max_length=50, default="initializing")
    message = models.TextField(default="Starting choreography generation...")
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    job_execution_name = models.CharField(max_length=500, null=True, blank=True)
    song = models.ForeignKey("songs.Song", on_delete=models.SET_NULL, null=True, blank=True, related_name="tasks")

    class Meta:
        db_table = "choreography_tasks"
        ordering = ["-created_at"]


class Blueprint(models.Model):
    """How the backend means to cut a task's video; the original knows nothing of it."""

    task = models.OneToOneField(ChoreographyTask, on_delete=models.CASCADE, primary_key=True)
    plan = models.JSONField(default=dict)

    class Meta:
        db_table = "choreography_blueprints"

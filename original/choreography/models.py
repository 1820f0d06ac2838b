"""What the original stores: tasks while they run, choreographies for good."""

import math
import uuid
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.db import models


class Difficulty(models.TextChoices):
    BEGINNER = "beginner"
    INTERMEDIATE = "intermediate"
    ADVANCED = "advanced"


class SavedChoreography(models.Model):
    """A choreography in a user's collection."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="choreographies")
    title = models.CharField(max_length=200)
    video_path = models.FileField(upload_to="choreographies/%Y/%m/", max_length=500)
    thumbnail_path = models.ImageField(upload_to="thumbnails/%Y/%m/", max_length=500, null=True, blank=True)
    difficulty = models.CharField(max_length=20, choices=Difficulty.choices, db_index=True)
    duration = models.FloatField(help_text="Seconds")
    music_info = models.JSONField(null=True, blank=True)
    generation_parameters = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = "saved_choreographies"
        ordering = ["-created_at"]
        verbose_name_plural = "saved choreographies"

    def __str__(self) -> str:
        return self.title or "Untitled"

    # Old rows hold absolute paths, no path, lists, NULL or NaN; the pages use these properties.

    @property
    def video_name(self) -> str:
        """The base name of the video, which is what /video/NAME/ takes; '' without a video."""
        return PurePosixPath(self.video_path.name or "").name

    @property
    def music(self) -> str:
        """The song; empty if the row does not name it."""
        source = self.music_info.get("source") if isinstance(self.music_info, dict) else None
        return PurePosixPath(source).stem if isinstance(source, str) else ""

    @property
    def length(self) -> str:
        """The duration as m:ss; empty if it is negative, infinite or NaN."""
        if not math.isfinite(self.duration) or self.duration < 0:
            return ""
        minutes, seconds = divmod(round(self.duration), 60)
        return f"{minutes}:{seconds:02}"


class ChoreographyTask(models.Model):
    """One generation and how far it is."""

    class Status(models.TextChoices):
        STARTED = "started"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"

    task_id = models.CharField(max_length=36, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="choreography_tasks")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.STARTED, db_index=True)
    progress = models.IntegerField(default=0)
    stage = models.CharField(max_length=50, default="initializing")
    message = models.TextField(default="Starting choreography generation...")
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "choreography_tasks"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "status"]), models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.task_id} {self.status}"

    def as_json(self) -> dict[str, Any]:
        """Return the task as the page that polls reads it."""
        return {
            "task_id": self.task_id,
            "status": self.status,
            "progress": self.progress,
            "stage": self.stage,
            "message": self.message,
            "result": self.result,
            "error": self.error,
            "created_at": self.created_at.timestamp(),
        }

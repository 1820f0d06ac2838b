"""Saved choreographies, shared with the monolith."""

import uuid

from django.conf import settings
from django.db import models


class SavedChoreography(models.Model):
    """A choreography in a user's collection."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="choreographies")
    title = models.CharField(max_length=200)
    video_path = models.FileField(upload_to="choreographies/%Y/%m/", max_length=500)
    thumbnail_path = models.ImageField(upload_to="thumbnails/%Y/%m/", max_length=500, null=True, blank=True)
    difficulty = models.CharField(
        max_length=20,
        choices=[("beginner", "Beginner"), ("intermediate", "Intermediate"), ("advanced", "Advanced")],
    )
    duration = models.FloatField(help_text="seconds")
    music_info = models.JSONField(null=True, blank=True)
    generation_parameters = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = "saved_choreographies"
        ordering = ["-created_at"]

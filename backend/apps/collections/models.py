"""A choreography that a user kept (table ``saved_choreographies``)."""

import uuid

from django.conf import settings
from django.db import models


class SavedChoreography(models.Model):
    class Difficulty(models.TextChoices):
        BEGINNER = "beginner"
        INTERMEDIATE = "intermediate"
        ADVANCED = "advanced"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="choreographies")
    title = models.CharField(max_length=200)
    video_path = models.FileField(max_length=500, upload_to="choreographies/%Y/%m/")
    thumbnail_path = models.ImageField(max_length=500, upload_to="thumbnails/%Y/%m/", null=True, blank=True)
    difficulty = models.CharField(max_length=20, choices=Difficulty.choices, db_index=True)
    duration = models.FloatField(help_text="seconds")
    music_info = models.JSONField(null=True, blank=True)
    generation_parameters = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        # The original keeps this model in its app "choreography"; another label would be another
        # content type, other permissions, and a migration that builds the table again.
        app_label = "choreography"
        db_table = "saved_choreographies"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.title

"""What the backend knows of a song that was uploaded here (table ``songs`` in schema ``backend``)."""

from django.conf import settings
from django.db import models


class Song(models.Model):
    file_name = models.CharField(max_length=255, unique=True, help_text="below songs/ in the media root")
    title = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, unique=True)
    size = models.BigIntegerField(help_text="bytes")
    duration_s = models.FloatField()
    # The constraint is made by songs.0002: Django 5.2 cannot say ON DELETE in the database, and the
    # original, which does not know this table, must still be able to delete its users.
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="songs",
        db_constraint=False,
    )
    uploaded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "songs"
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

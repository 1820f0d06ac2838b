"""Notes of files that are to be removed (table ``removals`` in schema ``backend``)."""

from django.db import models
from django.db.models.functions import Now


class Removal(models.Model):
    name = models.TextField(primary_key=True, help_text="in the media storage")
    # The original gives a free name to its next video; so only the file that was meant is removed. A job's name is
    # never given again, and its file may not be there yet.
    version = models.TextField(blank=True, default="", help_text="of the file; empty means any")
    noted_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "removals"
        ordering = ["noted_at", "name"]

    def __str__(self) -> str:
        return self.name

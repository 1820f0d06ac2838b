"""Whose a file is (table ``file_owners`` in schema ``backend``)."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class FileOwner(models.Model):
    """The owner of one file, recorded once. The record outlives the file, the rows that named it, and the owner."""

    class How(models.TextChoices):
        MADE = "made", "a job of this user made it"
        NAMED = "named", "a row of this user named it first"
        GIVEN = "given", "the staff gave it to this user"
        UNCLAIMED = "unclaimed", "no user has a right to it"

    name = models.TextField(primary_key=True, help_text="canonical, below the media root")
    # NULL: no user may read or delete it. The constraint is made by media.0002, with ON DELETE SET NULL in the
    # database: a record that went with its user would let the next row claim the file.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
    )
    how = models.CharField(max_length=10, choices=How.choices)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "file_owners"

    def __str__(self) -> str:
        return self.name

"""What is known of a session (table ``open_sessions`` in schema ``backend``), beside Django's shared table."""

from django.conf import settings
from django.db import models


class OpenSession(models.Model):
    # The constraint is made by open_sessions.0002: ON DELETE CASCADE in the database.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="open_sessions", db_constraint=False
    )
    key_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the session's key")
    auth_hash = models.CharField(max_length=128, help_text="the session's own; it ends with the password")
    begun_at = models.DateTimeField(help_text="of a session of the original: when it was last written")
    begun_here = models.BooleanField(help_text="the log-in was seen by this system")
    last_seen_at = models.DateTimeField(null=True, help_text="by this system, to the minute")
    expires_at = models.DateTimeField(db_index=True)
    address = models.GenericIPAddressField(null=True)
    device = models.CharField(max_length=200, help_text="what the client calls itself")

    class Meta:
        db_table = "open_sessions"
        ordering = ["-last_seen_at", "-begun_at"]

    def __str__(self) -> str:
        return f"{self.device} since {self.begun_at}"

"""A token with which a program acts for its owner (table ``tokens`` in schema ``backend``)."""

from django.conf import settings
from django.db import models


class PersonalToken(models.Model):
    # The constraint is made by tokens.0002: ON DELETE CASCADE in the database, or the original, which does
    # not know this table, could not delete its users any more.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tokens", db_constraint=False
    )
    name = models.CharField(max_length=100, help_text="what its owner calls it")
    prefix = models.CharField(max_length=20, help_text="how the secret begins, to recognise it by")
    sha256 = models.CharField(max_length=64, unique=True, help_text="of the secret, which is kept nowhere")
    scopes = models.JSONField(help_text="names from apps.tokens.scopes")
    created_at = models.DateTimeField(auto_now_add=True)
    # Null in the database alone, for an earlier version that still runs beside this one; it counts as over.
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to the minute")
    # Of the owner's stored password. Older tokens have a SHA-256 of it, which tokens.0003 could work out in SQL.
    password_mark = models.CharField(max_length=80, db_default="", help_text="it ends with the password")
    refused_at = models.DateTimeField(null=True, blank=True, help_text="when its use after its end was last noted")

    class Meta:
        db_table = "tokens"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

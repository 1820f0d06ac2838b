"""Failed logins (table ``failed_logins`` in schema ``backend``), for all processes and machines together."""

from django.db import models


class FailedLogins(models.Model):
    # A SHA-256 of what is counted: a typed login may hold any text, and it is only compared here.
    who = models.CharField(max_length=64, primary_key=True)
    failures = models.IntegerField()
    ends_at = models.DateTimeField(db_index=True, help_text="when they are forgotten")

    class Meta:
        db_table = "failed_logins"

    def __str__(self) -> str:
        return f"{self.failures} until {self.ends_at}"

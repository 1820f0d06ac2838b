"""The account of a dancer."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

DEFAULT_PREFERENCES = {"auto_save_choreographies": True}


class User(AbstractUser):
    """Django's user with a name to show, a role and free-form preferences."""

    display_name = models.CharField(max_length=200, blank=True)
    is_instructor = models.BooleanField(default=False)
    preferences = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "users"

    def __str__(self) -> str:
        return self.display_name or self.username

    def preferences_or_default(self) -> dict[str, Any]:
        """Return the preferences; the default ones when nothing usable is stored."""
        return self.preferences if self.preferences and isinstance(self.preferences, dict) else DEFAULT_PREFERENCES

    def saves_automatically(self) -> bool:
        """Return whether new choreographies of this user are saved to the collection."""
        return bool(self.preferences_or_default().get("auto_save_choreographies", True))

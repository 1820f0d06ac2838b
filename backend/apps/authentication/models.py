"""The original's user, to the letter (table ``users``)."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    display_name = models.CharField(max_length=200, blank=True, default="")
    is_instructor = models.BooleanField(default=False)
    preferences = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "users"

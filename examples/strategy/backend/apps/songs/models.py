"""The songs that dances are made for: the backend's own."""

from django.conf import settings
from django.db import models


class Song(models.Model):
    """One song; the original keeps only its name, in a task's result."""

    title = models.CharField(max_length=200)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)

    class Meta:
        db_table = "songs"

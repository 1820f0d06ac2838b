"""Rows of songs (tables ``songs``, ``recordings``, ``own_songs`` and ``job_songs`` in schema ``backend``)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

LONGEST_TITLE = 200


class Song(models.Model):
    """A song in the common folder that was uploaded before songs were private. It is everybody's and stays so."""

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


class Recording(models.Model):
    """The bytes of own songs: stored once, however many users have brought them (``apps.songs.recordings``)."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    file_name = models.TextField(help_text="in the media storage; if is_common, in the common folder of songs")
    is_common = models.BooleanField(default=False)
    size = models.BigIntegerField(help_text="bytes")
    duration_s = models.FloatField()
    tempo_bpm = models.FloatField(null=True, help_text="known once a choreography was made")
    touched_at = models.DateTimeField(db_default=Now(), help_text="the last upload or deletion")

    class Meta:
        db_table = "recordings"
        ordering = ["sha256"]

    def __str__(self) -> str:
        return self.sha256


class OwnSong(models.Model):
    """A song of one user, whom alone it is shown to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # The constraints are made by songs.0004: of the user with ON DELETE CASCADE in the database.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        related_name="own_songs",
        db_constraint=False,
        db_index=False,
    )
    recording = models.ForeignKey(Recording, on_delete=models.DO_NOTHING, related_name="own_songs", db_constraint=False)
    title = models.CharField(max_length=LONGEST_TITLE)
    uploaded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "own_songs"
        ordering = ["title", "id"]
        constraints = [models.UniqueConstraint(fields=["user", "recording"], name="own_songs_uniq")]

    def __str__(self) -> str:
        return self.title


class JobSong(models.Model):
    """The own song that a job was given: its recording stays until the job has ended, also if the song is deleted."""

    # The constraints are made by songs.0004, with ON DELETE CASCADE and SET NULL in the database.
    job = models.OneToOneField(
        "jobs.Job",
        on_delete=models.DO_NOTHING,
        primary_key=True,
        db_column="task_id",
        related_name="+",
        db_constraint=False,
    )
    recording = models.ForeignKey(
        Recording, on_delete=models.DO_NOTHING, null=True, related_name="job_songs", db_constraint=False
    )
    name = models.TextField(help_text="as the choreography names the song: its title then, as a file name")

    class Meta:
        db_table = "job_songs"

    def __str__(self) -> str:
        return self.name

"""What a search looks in, and the orders of long lists (tables ``title_…`` in schema ``backend``).

All are made from ``saved_choreographies`` and can be made again at any time (``apps.titles.following``).
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models


class TitleDocument(models.Model):
    """The words of one saved choreography, and what they were made from: where that differs now, it does not count."""

    # The constraints are made by titles.0002, with ON DELETE CASCADE in the database: the original deletes both rows.
    choreography = models.OneToOneField(
        "choreography.SavedChoreography",
        on_delete=models.DO_NOTHING,
        primary_key=True,
        related_name="+",
        db_constraint=False,
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    title = models.CharField(max_length=200)
    song = models.TextField(null=True)
    created_at = models.DateTimeField(help_text="the choreography's")
    difficulty = models.CharField(max_length=20, null=True, help_text="NULL in a document of an older version")
    duration = models.FloatField(null=True, help_text="seconds; NULL in a document of an older version")
    mark = models.BigIntegerField(help_text="a hash of title, song and created_at")
    words = SearchVectorField(help_text="each with its owner before it: a search meets no word of another user")

    class Meta:
        db_table = "title_documents"
        indexes = [
            # The orders of a list. With the level: rows of another one are passed over without being read.
            models.Index(
                fields=["user", "-created_at", "-choreography"],
                include=["difficulty"],
                name="title_documents_newest_idx",
            ),
            models.Index(
                fields=["user", "title", "choreography"], include=["difficulty"], name="title_documents_title_idx"
            ),
            models.Index(
                fields=["user", "-duration", "-choreography"], include=["difficulty"], name="title_documents_length_idx"
            ),
            # Read instead of the table, to see which documents follow their rows.
            models.Index(
                fields=["user", "choreography", "mark"],
                include=["difficulty", "duration"],
                name="title_documents_mark_idx",
            ),
            # Without the list of pending entries, which every search would read through.
            GinIndex(fields=["words"], name="title_documents_words_idx", fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.title


class TitleWord(models.Model):
    """A word that a user's titles have or had, found by its trigrams."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    word = models.CharField(max_length=40)
    trigrams = ArrayField(models.TextField(), help_text="each with its owner before it")

    class Meta:
        db_table = "title_words"
        constraints = [models.UniqueConstraint(fields=["user", "word"], name="title_words_uniq")]
        indexes = [GinIndex(fields=["trigrams"], name="title_words_trigrams_idx", fastupdate=False)]

    def __str__(self) -> str:
        return self.word


class TitlePass(models.Model):
    """The last pass over all choreographies that left none without its document; one row."""

    id = models.SmallIntegerField(primary_key=True)
    began_at = models.DateTimeField()

    class Meta:
        db_table = "title_passes"

    def __str__(self) -> str:
        return f"{self.began_at}"

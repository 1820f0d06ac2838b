"""Who else may see a choreography, and who likes it (tables of the schema ``backend``).

The constraints of the foreign keys are made by sharing.0002, with ON DELETE CASCADE in the database: the original
deletes choreographies and users, and does not know these tables.
"""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from apps.collections.models import SavedChoreography


class Visibility(models.TextChoices):
    PRIVATE = "private", "only you"
    UNLISTED = "unlisted", "people with the link"
    PUBLIC = "public", "everyone"


class Share(models.Model):
    """What the owner of a choreography decided. Without a row it is private, whichever system saved it."""

    choreography = models.OneToOneField(
        SavedChoreography, primary_key=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    # Staff may give a choreography to another user; then this decision counts no more.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    public_since = models.DateTimeField(null=True, help_text="set as long as it is public")
    # The link is worked out from this and SECRET_KEY; who reads the table cannot.
    link_nonce = models.CharField(max_length=64, null=True)
    link_mark = models.CharField(max_length=64, null=True, help_text="a keyed hash of the link")
    shows_name = models.BooleanField(db_default=True, help_text="the owner's display name, beside what is shared")
    likes = models.IntegerField(db_default=0, help_text="as counted; what waits in like_changes comes on top")

    class Meta:
        db_table = "shares"
        indexes = [
            models.Index(
                fields=["public_since", "choreography"],
                name="shares_newest_idx",
                condition=models.Q(public_since__isnull=False),
            ),
            models.Index(
                fields=["likes", "choreography"],
                name="shares_most_liked_idx",
                condition=models.Q(public_since__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["link_mark"], name="shares_link_uniq"),
            models.CheckConstraint(condition=models.Q(likes__gte=0), name="shares_likes_check"),
            models.CheckConstraint(
                condition=models.Q(link_nonce__isnull=True, link_mark__isnull=True)
                | models.Q(link_nonce__isnull=False, link_mark__isnull=False),
                name="shares_link_check",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.choreography_id}: {self.visibility}"

    @property
    def visibility(self) -> Visibility:
        """Who may see it. What is public may have a link besides."""
        if self.public_since:
            return Visibility.PUBLIC
        return Visibility.UNLISTED if self.link_mark else Visibility.PRIVATE


class Like(models.Model):
    """One user likes one choreography."""

    choreography = models.ForeignKey(
        SavedChoreography, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    liked_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "likes"
        constraints = [models.UniqueConstraint(fields=["choreography", "user"], name="likes_one_each")]

    def __str__(self) -> str:
        return f"{self.user_id} likes {self.choreography_id}"


class LikeChange(models.Model):
    """A like that was given or taken back and is not counted yet. A trigger on ``likes`` writes it."""

    # No foreign key: who deletes an account writes here, and must wait for no one.
    choreography_id = models.UUIDField(db_index=True)
    change = models.IntegerField()

    class Meta:
        db_table = "like_changes"

    def __str__(self) -> str:
        return f"{self.choreography_id}: {self.change:+}"


class Favourite(models.Model):
    """A user's mark on a choreography, which only this user sees."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        related_name="favourites",
        db_constraint=False,
        db_index=False,
    )
    choreography = models.ForeignKey(
        SavedChoreography, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "favourites"
        # In the order in which they were added.
        indexes = [models.Index(fields=["user", "id"], name="favourites_of_user_idx")]
        constraints = [models.UniqueConstraint(fields=["user", "choreography"], name="favourites_once")]

    def __str__(self) -> str:
        return f"{self.user_id} marked {self.choreography_id}"

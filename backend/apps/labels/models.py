"""Names that users give to what they kept (tables ``labels`` and ``labellings`` in schema ``backend``)."""

from django.conf import settings
from django.db import models

LONGEST_NAME = 40


class Label(models.Model):
    """A tag or a category of one user."""

    class Kind(models.TextChoices):
        TAG = "tag"
        CATEGORY = "category"

    # The constraint is made by labels.0002, with ON DELETE CASCADE in the database.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=LONGEST_NAME, help_text="as it was first typed")
    key = models.TextField(help_text="by which two spellings are the same")

    class Meta:
        db_table = "labels"
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["user", "kind", "key"], name="labels_uniq")]

    def __str__(self) -> str:
        return self.name


class Labelling(models.Model):
    """One choreography has one label."""

    # The constraints are made by labels.0002, with ON DELETE CASCADE in the database.
    label = models.ForeignKey(
        Label, on_delete=models.DO_NOTHING, related_name="labellings", db_constraint=False, db_index=False
    )
    choreography = models.ForeignKey(
        "choreography.SavedChoreography", on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    kind = models.CharField(max_length=10, choices=Label.Kind.choices, help_text="the label's")
    created_at = models.DateTimeField(help_text="the choreography's: a list by label is in this order")

    class Meta:
        db_table = "labellings"
        constraints = [
            models.UniqueConstraint(fields=["label", "choreography"], name="labellings_uniq"),
            models.UniqueConstraint(
                fields=["choreography"], condition=models.Q(kind="category"), name="labellings_one_category"
            ),
        ]
        indexes = [models.Index(fields=["label", "-created_at", "-id"], name="labellings_newest_idx")]

    def __str__(self) -> str:
        return f"{self.choreography_id} {self.label_id}"

"""The same tickets, with a priority that may be empty: the original leaves it so."""

from django.db import models


class Ticket(models.Model):
    """A question of a customer."""

    question = models.CharField(max_length=200)
    closed = models.BooleanField(default=False)
    priority = models.IntegerField(null=True, blank=True, default=3)

    class Meta:
        db_table = "tickets"

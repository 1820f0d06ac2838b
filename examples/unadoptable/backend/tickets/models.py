"""The same tickets, with a priority that every row must have."""

from django.db import models


class Ticket(models.Model):
    """A question of a customer."""

    question = models.CharField(max_length=200)
    closed = models.BooleanField(default=False)
    priority = models.IntegerField(default=3)

    class Meta:
        db_table = "tickets"

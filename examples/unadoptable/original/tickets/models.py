"""What the help desk stores."""

from django.db import models


class Ticket(models.Model):
    """A question of a customer."""

    question = models.CharField(max_length=200)
    closed = models.BooleanField(default=False)

    class Meta:
        db_table = "tickets"

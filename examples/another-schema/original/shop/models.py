"""What the shop stores."""

from django.db import models


class Order(models.Model):
    """An order of a customer."""

    article = models.CharField(max_length=100)
    pieces = models.PositiveIntegerField(default=1)

    class Meta:
        db_table = "orders"

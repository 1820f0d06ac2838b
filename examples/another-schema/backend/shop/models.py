"""What both systems store."""

from django.conf import settings
from django.db import models


class Order(models.Model):
    """An order of a customer."""

    article = models.CharField(max_length=100)
    if settings.SCHEMA_PHASE == 1:
        pieces = models.PositiveIntegerField(default=1)
    else:
        amount = models.PositiveBigIntegerField(default=1)

    class Meta:
        db_table = "orders"

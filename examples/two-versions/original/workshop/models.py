"""What the workshop stores, as one wrote it for Django 4.2."""

from django.db import models


class Repair(models.Model):
    """A bicycle that is being repaired."""

    bicycle = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    taken_in = models.DateTimeField()
    done = models.BooleanField(default=False)

    class Meta:
        db_table = "repairs"
        constraints = [models.CheckConstraint(check=models.Q(price__gte=0), name="price_is_not_negative")]
        indexes = [models.Index(fields=["done", "taken_in"], name="repairs_open")]

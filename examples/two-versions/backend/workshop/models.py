"""The same for Django 5.2, where a constraint's ``check`` is called ``condition``; parts are the backend's own."""

from django.db import models


class Repair(models.Model):
    """A bicycle that is being repaired; the original does not know the mechanic."""

    bicycle = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    taken_in = models.DateTimeField()
    done = models.BooleanField(default=False)
    mechanic = models.CharField(max_length=100, null=True, blank=True)

    class Meta:
        db_table = "repairs"
        constraints = [models.CheckConstraint(condition=models.Q(price__gte=0), name="price_is_not_negative")]
        indexes = [models.Index(fields=["done", "taken_in"], name="repairs_open")]


class Part(models.Model):
    """A part that a repair needs; a table of the backend's own."""

    repair = models.ForeignKey(Repair, on_delete=models.CASCADE)
    name = models.CharField(max_length=100)

    class Meta:
        db_table = "parts"

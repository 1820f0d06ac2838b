"""What the library stores."""

from django.conf import settings
from django.db import models


class Book(models.Model):
    """One book."""

    title = models.CharField(max_length=200)
    isbn = models.CharField(max_length=13, unique=True)

    class Meta:
        db_table = "books"


class Loan(models.Model):
    """A book at a reader's home."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    since = models.DateField()
    returned = models.BooleanField(default=False)

    class Meta:
        db_table = "loans"

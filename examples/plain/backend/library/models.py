"""Books and loans, shared with the original; wishes are the backend's own."""

from django.conf import settings
from django.db import models


class Book(models.Model):
    """One book; the original does not know its shelf."""

    title = models.CharField(max_length=200)
    isbn = models.CharField(max_length=13, unique=True)
    if settings.SCHEMA_PHASE == 1:
        shelf = models.CharField(max_length=20, null=True, blank=True)
    else:
        shelf = models.CharField(max_length=20, default="", blank=True)

    class Meta:
        db_table = "books"


class Loan(models.Model):
    """A book at a reader's home."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    if settings.SCHEMA_PHASE == 1:
        since = models.DateField()
    else:
        lent_on = models.DateField()
    returned = models.BooleanField(default=False)

    class Meta:
        db_table = "loans"


class Wish(models.Model):
    """A reader waits for a book; a table of the backend's own."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    class Meta:
        db_table = "wishes"

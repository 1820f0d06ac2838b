"""What the library's original does; it knows the old shape only."""

import datetime
import os

from django.contrib.auth.models import User
from django.db import ProgrammingError
from django.db.models import Count
from library.models import Book, Loan

stage, today = os.environ["STAGE"], datetime.date(2026, 5, 1)
reader = User.objects.get(username="ana")
book = Book.objects.create(title=f"by the original, {stage}", isbn=str(9_000_000_000_000 + Book.objects.count()))
loan = Loan.objects.create(book=book, reader=reader, since=today)
assert Loan.objects.get(pk=loan.pk).since == today
assert Loan.objects.filter(pk=loan.pk, since__gte=today).update(returned=True) == 1
Loan.objects.bulk_create([Loan(book=book, reader=reader, since=today)])
assert Book.objects.filter(loan__since=today, title__endswith=stage).distinct().count() == 1
Book.objects.select_for_update().filter(pk=book.pk).update(title=f"{book.title}, lent")
# The plan says it: through a view, PostgreSQL does not group by the key alone, as Django does here.
try:
    grouped = bool(Book.objects.annotate(number=Count("loan"))[:1])
except ProgrammingError:
    grouped = False
assert grouped == (stage == "rolled back")
assert sum(number for _, number in Book.objects.values_list("pk").annotate(Count("loan"))) == Loan.objects.count()
print(f"{Book.objects.count()} books, {Loan.objects.count()} loans")

"""What the library's original does; it knows the old shape only."""

import datetime
import os

from django.contrib.auth.models import User
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
print(f"{Book.objects.count()} books, {Loan.objects.count()} loans")

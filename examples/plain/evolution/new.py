"""What the new library does with the new shape."""

import datetime
import os

from django.contrib.auth.models import User
from django.db.models import Count
from library.models import Book, Loan, Wish

stage, today = os.environ["STAGE"], datetime.date(2026, 6, 1)
reader = User.objects.get(username="ana")
assert not Book.objects.filter(shelf__isnull=True).exists()
assert stage == "contracted" or Book.objects.filter(title=f"by the original, {stage}, lent", shelf="").count() == 1
book = Book.objects.create(
    title=f"by the new library, {stage}", isbn=str(9_000_000_000_000 + Book.objects.count()), shelf="B2"
)
loan = Loan.objects.create(book=book, reader=reader, lent_on=today)
assert Loan.objects.get(pk=loan.pk, lent_on__year=2026).lent_on == today
Wish.objects.create(book=book, reader=reader)
loans = dict(Book.objects.values_list("pk").annotate(number=Count("loan")))
assert loans[book.pk] == 1
print(f"{Book.objects.count()} books, {sum(loans.values())} loans, {Wish.objects.count()} wishes")

"""What the new shop does with the new shape."""

import os

from django.db.models import Sum
from shop.models import Order

stage = os.environ["STAGE"]
assert stage == "contracted" or Order.objects.get(article=f"by the original, {stage}").amount == 4
order = Order.objects.create(article=f"by the new shop, {stage}", amount=5)
assert Order.objects.filter(amount__gt=4, pk=order.pk).update(amount=6) == 1
assert Order.objects.create(article="one piece").amount == 1
if stage == "contracted":
    assert Order.objects.create(article="many", amount=3_000_000_000).amount == 3_000_000_000
print(f"{Order.objects.count()} orders, {Order.objects.aggregate(all=Sum('amount'))['all']} pieces")

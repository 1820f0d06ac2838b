"""What the shop of today does; it knows the old shape only."""

import os

from django.db import IntegrityError
from django.db.models import F, Sum
from shop.models import Order

stage = os.environ["STAGE"]
order = Order.objects.create(article=f"by the original, {stage}", pieces=3)
assert Order.objects.filter(pk=order.pk, pieces=3).update(pieces=F("pieces") + 1) == 1
assert Order.objects.get(pk=order.pk).pieces == 4
assert Order.objects.create(article="one piece").pieces == 1
refused = False
try:
    Order.objects.create(article="less than nothing", pieces=-1)
except IntegrityError:
    refused = True
assert refused
print(f"{Order.objects.count()} orders, {Order.objects.aggregate(all=Sum('pieces'))['all']} pieces")

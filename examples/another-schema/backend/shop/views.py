"""Orders, as the shop's counter reads and makes them."""

import json

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt

from shop.models import Order


def health(_: HttpRequest) -> JsonResponse:
    """Say that this system is well: it reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@csrf_exempt
def orders(request: HttpRequest) -> JsonResponse:
    """List the newest, or add one."""
    if request.method == "POST":
        made = Order.objects.create(article=json.loads(request.body)["article"])
        return JsonResponse(shown(made), status=201)
    return JsonResponse({"orders": [shown(one) for one in Order.objects.order_by("-pk")[:20]]})


@csrf_exempt
def order(request: HttpRequest, key: int) -> HttpResponse:
    """Show one, or remove it."""
    found = get_object_or_404(Order, pk=key)
    if request.method == "DELETE":
        found.delete()
        return HttpResponse(status=204)
    return JsonResponse(shown(found))


def shown(one: Order) -> dict[str, object]:
    """Return one as JSON shows it."""
    return {"id": one.pk, "article": one.article}

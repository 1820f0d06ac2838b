"""Repairs, as the workshop's counter reads and makes them."""

import json

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from workshop.models import Repair


def health(_: HttpRequest) -> JsonResponse:
    """Say that this system is well: it reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@csrf_exempt
def repairs(request: HttpRequest) -> JsonResponse:
    """List the newest, or add one."""
    if request.method == "POST":
        made = Repair.objects.create(bicycle=json.loads(request.body)["bicycle"], price=10, taken_in=timezone.now())
        return JsonResponse(shown(made), status=201)
    return JsonResponse({"repairs": [shown(one) for one in Repair.objects.order_by("-pk")[:20]]})


@csrf_exempt
def repair(request: HttpRequest, key: int) -> HttpResponse:
    """Show one, or remove it."""
    found = get_object_or_404(Repair, pk=key)
    if request.method == "DELETE":
        found.delete()
        return HttpResponse(status=204)
    return JsonResponse(shown(found))


def shown(one: Repair) -> dict[str, object]:
    """Return one as JSON shows it."""
    return {"id": one.pk, "bicycle": one.bicycle}

"""Accounts, as the office reads and makes them."""

import json

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt

from members.models import Account


def health(_: HttpRequest) -> JsonResponse:
    """Say that this system is well: it reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@csrf_exempt
def accounts(request: HttpRequest) -> JsonResponse:
    """List the newest, or add one."""
    if request.method == "POST":
        made = Account.objects.create_user(json.loads(request.body)["email"])
        return JsonResponse(shown(made), status=201)
    return JsonResponse({"accounts": [shown(one) for one in Account.objects.order_by("-pk")[:20]]})


@csrf_exempt
def account(request: HttpRequest, key: int) -> HttpResponse:
    """Show one, or remove it."""
    found = get_object_or_404(Account, pk=key)
    if request.method == "DELETE":
        found.delete()
        return HttpResponse(status=204)
    return JsonResponse(shown(found))


def shown(one: Account) -> dict[str, object]:
    """Return one as JSON shows it."""
    return {"id": one.pk, "email": one.email}

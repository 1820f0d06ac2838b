"""Books, as other programs of the library read and write them."""

import json

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt

from library.models import Book


def health(_: HttpRequest) -> JsonResponse:
    """Say that this system is well: it reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@csrf_exempt
def books(request: HttpRequest) -> JsonResponse:
    """List the books whose title begins with ``title``, or add one."""
    if request.method == "POST":
        values = json.loads(request.body)
        made = Book.objects.create(title=values["title"], isbn=values["isbn"])
        return JsonResponse(shown(made), status=201)
    found = Book.objects.filter(title__startswith=request.GET.get("title", "")).order_by("pk")[:50]
    return JsonResponse({"books": [shown(one) for one in found]})


@csrf_exempt
def book(request: HttpRequest, key: int) -> HttpResponse:
    """Show a book, or remove it."""
    found = get_object_or_404(Book, pk=key)
    if request.method == "DELETE":
        found.delete()
        return HttpResponse(status=204)
    return JsonResponse(shown(found))


def shown(one: Book) -> dict[str, object]:
    """Return a book as JSON shows it."""
    return {"id": one.pk, "title": one.title, "isbn": one.isbn}

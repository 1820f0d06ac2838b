"""Where a page of the original is now."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url


def successor(request: HttpRequest, view: str, *arguments: object) -> HttpResponse:
    """Lead to a page of ours, with the query that came along."""
    query = request.META.get("QUERY_STRING", "")
    return redirect(resolve_url(view, *arguments) + (f"?{query}" if query else ""))

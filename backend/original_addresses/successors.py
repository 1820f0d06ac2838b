"""The page of ours that replaces a page of the original."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url


def successor(request: HttpRequest, view: str, *arguments: object) -> HttpResponse:
    """Redirect to a page of ours, with the query of the request."""
    query = request.META.get("QUERY_STRING", "")
    return redirect(resolve_url(view, *arguments) + (f"?{query}" if query else ""))

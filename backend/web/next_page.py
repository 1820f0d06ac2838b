"""Where a form leads to: only ever to an address of our own."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


def next_address(request: HttpRequest, *, default: str = "web:studio") -> str:
    """Return the address that ``next`` names, if it is ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    return wanted if is_ours(request, wanted) else resolve_url(default)


def page_before(request: HttpRequest) -> str:
    """Return the page that a form was sent from, as the browser says; a form's own address shows no page."""
    sender = request.headers.get("Referer", "")
    parts = urlsplit(sender)
    return f"{parts.path}?{parts.query}".rstrip("?") if is_ours(request, sender) else "/"


def is_ours(request: HttpRequest, address: str) -> bool:
    return url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())

"""Writes that another site's page sends are refused, at every address.

Cookie-authenticated writes need the CSRF token besides. The addresses of visitors in the API (log in, register)
have no token, since there is no session yet; this check protects them too.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config.problems import outside_views

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}


class OwnOrigin:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in SAFE or not _is_foreign(request) or _is_let_in(request):
            return self.get_response(request)
        return outside_views(request, HTTPStatus.FORBIDDEN, "This came from a page of another site.")


def _is_let_in(request: HttpRequest) -> bool:
    """Return whether a setting lets this site use the API, and it shows a token: then no cookie counts."""
    allowed = settings.CORS_ALLOW_ALL_ORIGINS or request.headers.get("Origin") in settings.CORS_ALLOWED_ORIGINS
    has_token = request.headers.get("Authorization", "").lower().startswith("bearer ")
    return allowed and has_token and request.path.startswith("/api/")


def _is_foreign(request: HttpRequest) -> bool:
    """Return whether a browser says so. Programs send neither header."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") in {"cross-site", "same-site"}:
        return True
    own = f"{request.scheme}://{request.get_host()}"
    return request.headers.get("Origin", own) != own

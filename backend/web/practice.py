"""Pages with a practice room: what a browser lets them do besides."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from config.security import POLICY, permissions

View = Callable[..., HttpResponse]

# The camera of the dancer who looks, and the round that was recorded of it, at an address within the page.
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; media-src 'self' blob:",
    "Permissions-Policy": permissions(own={"camera"}),
}


def with_practice_room(view: View) -> View:
    """Let the page use the camera and play what it recorded; no other page may."""

    @wraps(view)
    def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return allowed

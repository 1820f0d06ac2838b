"""A cookie marks a browser in which a user has registered or logged in; failed logins elsewhere do not count for it."""

import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

PLAIN_COOKIE = "device"  # its name without TLS; still read where TLS came later
KNOWN_FOR_S = 365 * 24 * 60 * 60
_SALT = "apps.logins.devices"


def device_of(request: HttpRequest, user_id: int) -> str | None:
    """Return the name of this browser if this user has registered or logged in with it before."""
    try:
        sent = request.COOKIES.get(settings.DEVICE_COOKIE_NAME) or request.COOKIES.get(PLAIN_COOKIE, "")
        owner, name = signing.loads(sent, salt=_SALT, max_age=KNOWN_FOR_S)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return str(name) if owner == user_id else None


def remember_device(request: HttpRequest, user_id: int) -> None:
    """Let the answer to this request carry the cookie."""
    name = device_of(request, user_id) or secrets.token_urlsafe(16)
    # A request of the API wraps the one that the middleware sees.
    plain: Any = getattr(request, "_request", request)
    plain.known_device = signing.dumps([user_id, name], salt=_SALT)


class DeviceCookie:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if device := getattr(request, "known_device", None):
            cookie, secure = settings.DEVICE_COOKIE_NAME, settings.SESSION_COOKIE_SECURE
            response.set_cookie(cookie, device, max_age=KNOWN_FOR_S, httponly=True, samesite="Lax", secure=secure)
        return response

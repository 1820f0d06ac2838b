"""The cookies' names after the original's retirement: ``__Host-``, which only this host can set.

A browser that comes with the shared names is moved once, so that the change logs out no user.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpRequest, HttpResponse

from config.clock import database_now

SHARED_SESSION, SHARED_CSRF = "sessionid", "csrftoken"
# Another host of the domain could give a browser a session under the old name. So a session is marked when it begins
# under the new name (0) or is moved there (when), and then is not taken from the old name any more.
MARK = "under_host_name_since"
# Requests that a browser sends at the same moment all come with the old name.
MOVING_S = 60


class MovedCookies:
    """Stands before the middleware of sessions and CSRF."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        session_name, csrf_name = settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME
        if session_name == SHARED_SESSION or SHARED_SESSION not in request.COOKIES:
            return self.get_response(request)
        session = _movable(request) if session_name not in request.COOKIES else None
        if session:
            request.COOKIES[session_name] = session.session_key
            csrf = request.COOKIES.get(SHARED_CSRF)
            if csrf and csrf_name not in request.COOKIES:
                request.COOKIES[csrf_name] = csrf
        response = self.get_response(request)
        if session and session_name not in response.cookies:
            _set(response, session_name, session.session_key, age_s=session.get_expiry_age(), http_only=True)
            if csrf_name in request.COOKIES and csrf_name not in response.cookies:
                _set(response, csrf_name, request.COOKIES[csrf_name], age_s=settings.CSRF_COOKIE_AGE, http_only=False)
        for name in (SHARED_SESSION, SHARED_CSRF):
            response.delete_cookie(name)
        return response


class StorableCookies:
    """Stands before all that look a session up: a quoted cookie may hold a NUL, with which PostgreSQL takes no text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        return self.get_response(request)


def _movable(request: HttpRequest) -> Any:
    """Return the session that the shared name names, now marked; None if there is none, or it does not belong there."""
    store = import_module(settings.SESSION_ENGINE).SessionStore(request.COOKIES[SHARED_SESSION])
    if not any(store.keys()):
        return None
    now_s = int(database_now().timestamp())
    if MARK in store:
        return store if abs(now_s - store[MARK]) < MOVING_S else None
    store[MARK] = now_s
    try:
        store.save()
    except UpdateError:
        return None  # it was ended meanwhile
    return store


def _set(response: HttpResponse, name: str, value: str, *, age_s: int, http_only: bool) -> None:
    response.set_cookie(name, value, max_age=age_s, secure=True, httponly=http_only, samesite="Lax")


def _mark(request: HttpRequest, **_: Any) -> None:
    if settings.SESSION_COOKIE_NAME != SHARED_SESSION and request is not None:
        request.session[MARK] = 0


def install() -> None:
    """Mark the sessions that begin with a login."""
    user_logged_in.connect(_mark, dispatch_uid="config.cookies")

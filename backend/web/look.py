"""How the pages look: light or dark, and in which language. A browser remembers it, and so does the account."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.authentication.models import User
from apps.authentication.preferences import change_preferences, preferences_of
from web.language import is_spoken
from web.next_page import next_address

THEME = "theme"
LANGUAGE = "language"
# As the device is set: no cookie.
SYSTEM = "system"
THEMES = (SYSTEM, "light", "dark")
KEPT_S = 365 * 24 * 60 * 60


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Remember what was chosen, and show the page again."""
    chosen = {name: value for name, value in request.POST.dict().items() if _is_choice(name, value)}
    response = redirect(next_address(request))
    set_look(response, chosen)
    if chosen and isinstance(request.user, User):
        change_preferences(user=request.user, patch=dict(chosen))
    return response


def look_of_account(request: HttpRequest, response: HttpResponse) -> None:
    """After a log-in, let a browser in which nothing was chosen look as the account remembers."""
    if isinstance(request.user, User):
        remembered = preferences_of(request.user)
        new = {THEME: THEME, LANGUAGE: settings.LANGUAGE_COOKIE_NAME}
        missing = [name for name, cookie in new.items() if cookie not in request.COOKIES]
        set_look(response, {name: str(remembered[name]) for name in missing if name in remembered})


def set_look(response: HttpResponse, chosen: dict[str, str]) -> None:
    """Set the cookies of what can be chosen; the device's own theme needs none."""
    for name, value in chosen.items():
        cookie = THEME if name == THEME else settings.LANGUAGE_COOKIE_NAME
        if value == SYSTEM:
            response.delete_cookie(cookie)
        elif _is_choice(name, value):
            secure = settings.SESSION_COOKIE_SECURE
            response.set_cookie(cookie, value, max_age=KEPT_S, httponly=True, samesite="Lax", secure=secure)


def _is_choice(name: str, value: object) -> bool:
    return (name == THEME and value in THEMES) or (name == LANGUAGE and is_spoken(str(value)))

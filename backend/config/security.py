"""Headers that tell a browser what our answers may do: load only our own files, be part of no other site, and what
may be kept of them.
"""

from collections.abc import Callable, Collection

from django.conf import settings
from django.http import HttpRequest, HttpResponse

POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# Features of the browser that no page of ours uses; the practice room alone uses the camera.
UNUSED = ("camera", "microphone", "geolocation", "payment", "usb", "midi", "display-capture", "browsing-topics")


def permissions(*, own: Collection[str] = ()) -> str:
    """Return the policy that leaves a page only these of the features."""
    return ", ".join(f"{feature}={'(self)' if feature in own else '()'}" for feature in UNUSED)


HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": permissions(),
    "Cross-Origin-Resource-Policy": "same-origin",
    # What says nothing else is for one user and is kept nowhere: no cache between, no disk of a shared computer.
    "Cache-Control": "private, no-store",
    # Django's own middleware sets it too, but below the static files.
    "X-Frame-Options": "DENY",
}
# After a log-out the browser keeps no video and nothing that a script stored. Cookies stay: one marks a known browser.
CLEARED = '"cache", "storage"'


class SecurityHeaders:
    """Add the headers to every answer: pages, errors, static files, media and the API.

    Django's SecurityMiddleware, which stands before it, adds the others.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if _ends_session(response):
            response.headers["Clear-Site-Data"] = CLEARED
        return response


def _ends_session(response: HttpResponse) -> bool:
    """Return whether the browser is told to forget its session: a log-out by any door, or a session that is over."""
    cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
    return cookie is not None and cookie["max-age"] == 0

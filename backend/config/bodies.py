"""The largest body of a request, checked before the body is read.

Reading a form writes its files to the disk, and the CSRF check reads forms of visitors, too.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from config.problems import outside_views
from config.requests import HtmxRequest

MIB = 1024 * 1024
# The bytes of a multipart body beside the file itself.
ENVELOPE_BYTES = 64 * 1024

WITHOUT_LENGTH = "The body came in chunks, without a length. Send its Content-Length."

View = Callable[..., Any]


def takes_file(largest_bytes: Callable[[], int]) -> Callable[[View], View]:
    """Let a view take a file of so many bytes from users who are logged in; all other views take small bodies."""

    def declare(view: View) -> View:
        view.largest_bytes = largest_bytes  # type: ignore[attr-defined]  # BodyLimit reads it
        return view

    return declare


class BodyLimit:
    """Refuse a body whose announced length is larger than its view takes, and one without an announced length.

    Django would take that for an empty one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HtmxRequest, view: View, _arguments: Any, _named: Any) -> HttpResponse | None:
        """Run before the CSRF check, which reads the body."""
        if "HTTP_TRANSFER_ENCODING" in request.META:
            return outside_views(request, HTTPStatus.LENGTH_REQUIRED, WITHOUT_LENGTH)
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        of_api = getattr(view, "cls", None)  # the API authenticates before it reads, also with tokens
        declared = getattr(of_api or view, "largest_bytes", None)
        if declared and (of_api or request.user.is_authenticated):
            most = max(most, declared() + ENVELOPE_BYTES)
        return _too_large(request, announced, most) if announced > most else None


def _too_large(request: HtmxRequest, announced: int, most: int) -> HttpResponse:
    detail = f"What was sent has {announced / MIB:.1f} MB; this address takes at most {most / MIB:.1f} MB."
    if not request.htmx:
        return outside_views(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    response = HttpResponse(format_html('<p class="wrong" role="alert">{}</p>', detail), status=413)
    # Beside what the page shows, not in its place.
    return_to = {"HX-Retarget": "[role=status]", "HX-Reswap": "innerHTML"}
    for name, value in return_to.items():
        response[name] = value
    return response

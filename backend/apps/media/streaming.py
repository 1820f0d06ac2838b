"""A file over HTTP, whole or by range.

Django does not serve ranges. Without them a player cannot seek, and Safari plays nothing.
"""

from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView
from werkzeug.http import http_date, parse_if_range_header, parse_range_header, quote_etag

from apps.media.conditional import is_known, not_modified, validators_of
from apps.media.disposition import disposition_of
from apps.media.storage import StoredFile, media
from config.problems import problem_response

# Only this user's browser keeps it, and asks each time whether it is still the same.
PRIVATE = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


def video_response(request: HttpRequest | Request, file: StoredFile, *, title: str = "") -> HttpResponseBase:
    """Return the video, or the one range of it that was asked for (206), or 416; or let the front send it.

    Whatever bytes the file holds, it is a video for the browser, which saves it under its title.
    """
    told = {"Content-Disposition": disposition_of(title or PurePosixPath(file.name).stem)}
    if settings.X_ACCEL_MEDIA:
        return _by_the_front(file, PRIVATE | told)
    return file_response(request, file, media_type="video/mp4", told=told)


def file_response(
    request: HttpRequest | Request, file: StoredFile, *, media_type: str, told: dict[str, str]
) -> HttpResponseBase:
    """Return the file; 304 if the client has it as it is, and the one range of it that was asked for (206), or 416."""
    size = file.size
    validators = validators_of(file)
    headers = validators | PRIVATE | told
    if is_known(request, validators):
        return not_modified(headers)
    span = requested_span(request, size=size, validators=validators)
    if span is None:
        return _unsatisfiable(size)
    start, stop = span
    headers |= {"Accept-Ranges": "bytes", "Content-Length": str(stop - start)}
    status = HTTPStatus.OK
    if stop - start < size:
        status = HTTPStatus.PARTIAL_CONTENT
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers, content_type=media_type)
    body = media().read(file, start, stop)
    return StreamingHttpResponse(body, status=status, headers=headers, content_type=media_type)


def _by_the_front(file: StoredFile, told: dict[str, str]) -> HttpResponse:
    """Name the file to nginx, which sends it from an internal location: ranges, validators and all."""
    headers = told | {"X-Accel-Redirect": settings.X_ACCEL_MEDIA + quote(file.name)}
    return HttpResponse(headers=headers, content_type="video/mp4")


def requested_span(request: HttpRequest | Request, *, size: int, validators: dict[str, str]) -> tuple[int, int] | None:
    """Return start and stop of the bytes to send, or None if there are no such bytes.

    A header that makes no sense, several ranges at once, and a range of a file that has changed since
    (If-Range) all mean the whole file, as RFC 9110 allows.
    """
    asked = parse_range_header(request.headers.get("Range"))
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or _changed(request, validators):
        return 0, size
    start, stop = asked.ranges[0]
    if start < 0:  # "the last n bytes"; a shorter file is sent whole
        start = max(size + start, 0)
    stop = min(size if stop is None else stop, size)
    return (start, stop) if start < stop else None


def _changed(request: HttpRequest | Request, validators: dict[str, str]) -> bool:
    if "If-Range" not in request.headers:
        return False
    known = parse_if_range_header(request.headers["If-Range"])
    if known.date is not None:
        return http_date(known.date) != validators["Last-Modified"]
    return known.etag is None or quote_etag(known.etag) != validators["ETag"]


def _unsatisfiable(size: int) -> JsonResponse:
    detail = f"The file has {size} bytes; the range lies outside."
    return problem_response(416, detail, code="range", headers={"Content-Range": f"bytes */{size}"})


class FileView(APIView):
    """A view that answers with a file, whatever the client says it accepts."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: ARG002, FBT001 - the framework's signature
        # Only errors are JSON; a player that accepts nothing but video/mp4 must not be refused.
        return super().perform_content_negotiation(request, force=True)


class VideoView(FileView):
    """A view that answers with a video."""

    @staticmethod
    def respond(request: Request, file: StoredFile, *, title: str = "") -> HttpResponseBase:
        return video_response(request, file, title=title)

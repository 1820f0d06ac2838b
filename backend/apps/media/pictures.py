"""A picture over HTTP."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.request import Request

from apps.media.conditional import is_known, not_modified, validators_of
from apps.media.storage import StoredFile, media
from apps.media.streaming import PRIVATE
from config.errors import NotFoundError

MAX_BYTES = 8 * 1024 * 1024
# How each kind begins. No others are sent: a browser would run what is in an SVG.
_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}


def picture_response(request: HttpRequest | Request, file: StoredFile) -> HttpResponseBase:
    """Return the picture; 304 if the client has it. Raises NotFoundError for what is none, or is too large for one."""
    headers = validators_of(file) | PRIVATE | {"Content-Disposition": "inline"}
    if is_known(request, headers):
        return not_modified(headers)
    data = b"".join(media().read(file, 0, file.size)) if file.size <= MAX_BYTES else b""
    kind = next((kind for start, kind in _KINDS.items() if data.startswith(start)), None)
    if kind is None:
        raise NotFoundError("There is no picture of it.", code="picture-missing")
    return HttpResponse(data, headers=headers, content_type=kind)

"""A picture over HTTP."""

from django.http import HttpResponse

from apps.media.storage import StoredFile, media
from config.errors import NotFoundError

MAX_BYTES = 8 * 1024 * 1024
# How each kind begins. No others are sent: a browser would run what is in an SVG.
_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}


def picture_response(file: StoredFile) -> HttpResponse:
    """Return the picture. Raises NotFoundError for what is none, or is too large for one."""
    data = b"".join(media().read(file, 0, file.size)) if file.size <= MAX_BYTES else b""
    kind = next((kind for start, kind in _KINDS.items() if data.startswith(start)), None)
    if kind is None:
        raise NotFoundError("There is no picture of it.", code="file-missing")
    headers = {"Cache-Control": "private, no-cache", "Content-Disposition": "inline"}
    return HttpResponse(data, headers=headers | {"X-Content-Type-Options": "nosniff"}, content_type=kind)

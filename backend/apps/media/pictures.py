"""A picture over HTTP."""

import io
from dataclasses import replace
from functools import lru_cache

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from PIL import Image
from rest_framework.request import Request

from apps.media.conditional import is_known, not_modified, validators_of
from apps.media.storage import StoredFile, media
from apps.media.streaming import PRIVATE
from config.errors import NotFoundError

MAX_BYTES = 8 * 1024 * 1024
# The largest that is made light, in pixels: a few bytes of a PNG may claim any size.
MOST_PIXELS = 16_000_000
LIGHT_QUALITY = 50
# How each kind begins. No others are sent: a browser would run what is in an SVG.
_KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}


def picture_response(request: HttpRequest | Request, file: StoredFile) -> HttpResponseBase:
    """Return the picture; 304 if the client has it. Raises NotFoundError for what is none, or is too large for one."""
    headers = validators_of(file) | PRIVATE | {"Content-Disposition": "inline"}
    if is_known(request, headers):
        return not_modified(headers)
    data, kind = _picture(file)
    return HttpResponse(data, headers=headers, content_type=kind)


def light_picture_response(request: HttpRequest, file: StoredFile, *, width: int) -> HttpResponse:
    """Return the picture, no larger and of few bytes; 304 if the client has it. Raises NotFoundError as above."""
    light = replace(file, version=f"{file.version}-{width}")
    headers = validators_of(light) | PRIVATE | {"Content-Disposition": "inline"}
    if is_known(request, headers):
        return not_modified(headers)
    return HttpResponse(_light(file, width), headers=headers, content_type="image/webp")


# A page has a dozen, and each user who looks asks for the same. 4 to 10 KB each.
@lru_cache(maxsize=512)
def _light(file: StoredFile, width: int) -> bytes:
    data, kind = _picture(file)
    made = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=[kind.removeprefix("image/").upper()]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _missing()
            picture.draft("RGB", (width, width))
            picture.thumbnail((width, width))
            picture.convert("RGB").save(made, "WEBP", quality=LIGHT_QUALITY, method=6)
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises for a broken file
        raise _missing() from error
    return made.getvalue()


def _picture(file: StoredFile) -> tuple[bytes, str]:
    data = b"".join(media().read(file, 0, file.size)) if file.size <= MAX_BYTES else b""
    kind = next((kind for start, kind in _KINDS.items() if data.startswith(start)), None)
    if kind is None:
        raise _missing()
    return data, kind


def _missing() -> NotFoundError:
    return NotFoundError("There is no picture of it.", code="picture-missing")

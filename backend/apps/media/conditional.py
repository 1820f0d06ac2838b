"""What a client has already is not sent again (RFC 9110, section 13)."""

from django.http import HttpRequest, HttpResponseNotModified
from rest_framework.request import Request
from werkzeug.http import http_date, parse_date, quote_etag

from apps.media.storage import StoredFile
from config.conditions import is_among


def validators_of(file: StoredFile) -> dict[str, str]:
    """Return the headers by which a client knows the file again. The tag is strong: it stands for these very bytes."""
    return {"ETag": quote_etag(f"{file.version}-{file.size:x}"), "Last-Modified": http_date(file.modified_at)}


def is_known(request: HttpRequest | Request, validators: dict[str, str]) -> bool:
    """Return whether the client has the file as it is. The time counts only for clients that know no tag."""
    tags = request.headers.get("If-None-Match")
    if tags is not None:
        return is_among(tags, validators["ETag"])
    since, modified = (
        parse_date(text) for text in (request.headers.get("If-Modified-Since"), validators["Last-Modified"])
    )
    return since is not None and modified is not None and modified <= since


def not_modified(headers: dict[str, str]) -> HttpResponseNotModified:
    """Return the answer to a client that has the file: what a whole answer would say of it, and no bytes."""
    return HttpResponseNotModified(headers={name: text for name, text in headers.items() if name in _TOLD})


_TOLD = frozenset({"Cache-Control", "ETag", "Last-Modified", "X-Content-Type-Options"})

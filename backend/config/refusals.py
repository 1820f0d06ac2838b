"""A line in the log for each request that was refused: what was asked, by which account, from which address."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from config.clients import ip_text_of

log = logging.getLogger("config.refusals")

REFUSALS = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS,
}
LONGEST_PATH = 200
# Secret links, links for a new password, and signatures of links to videos: who reads one in a log could use it.
_LINK = re.compile(r"""(shared/|reset/[^\s"'\\?&/]+/|\bsignature=)[^\s"'\\?&]+""", re.IGNORECASE)


class RefusalLog:
    """Log refusals of views, of the limits, and of Django itself. The query is left out: people paste secrets there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # A view that leads somewhere else instead, as the admin site does, says so.
        status = HTTPStatus.FORBIDDEN if getattr(request, "is_refused", False) else response.status_code
        if status in REFUSALS:
            line = {
                "refused": status,
                "method": request.method,
                "path": request.path[:LONGEST_PATH],
                "user": _user_id(request),
                "address": ip_text_of(request),
            }
            # As JSON: an address with a line break makes no second line.
            log.warning("%s", json.dumps(line))
        return response


def _without_link(part: object) -> object:
    return _LINK.sub(r"\1…", part) if isinstance(part, str) else part


class WithoutLinks(logging.Filter):
    """Takes secret links out of every line: refusals, and Django's own lines for faults."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and let it pass."""
        if isinstance(record.args, tuple):
            record.args = tuple(map(_without_link, record.args))
        elif isinstance(record.args, Mapping):
            record.args = {name: _without_link(part) for name, part in record.args.items()}
        return True


def _user_id(request: HttpRequest) -> int | None:
    """Return who asked, if the request has come so far that this is known: a refusal costs no query."""
    if owner := getattr(request, "token_owner", None):
        return int(owner)
    user = getattr(request, "user", None)
    if isinstance(user, SimpleLazyObject):
        user = getattr(request, "_cached_user", None)  # where Django keeps it once a view has asked
    return user.pk if user is not None else None

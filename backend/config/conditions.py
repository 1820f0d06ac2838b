"""Conditional requests (RFC 9110): 304 for what the client has already, 412 for a write that would lose another one.

An ETag is strong and of the bytes of the answer, so whatever changes in them, by whichever system, changes it. A view
that knows its answer by less says an ETag of its own, and answers ``not_modified`` without making the answer.
"""

import functools
import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from config.errors import StaleError
from config.problems import problem_response
from config.rendering import FiniteJSONRenderer

View = Callable[..., Any]
Write = TypeVar("Write", bound=Callable[..., Any])
READING = {"GET", "HEAD"}
# What an answer depends on beside its address.
VARIES = ("Accept", "Authorization", "Cookie")
# The browser may keep it and asks each time whether it is still so; a log-out clears what it kept (config.security).
KEPT = "private, no-cache"
# JSON, and the OpenAPI document also as YAML. Files have ETags of their own (apps.media.conditional).
TAGGED = ("application/json", "application/vnd.oai.openapi", "application/yaml")
# Headers of an answer that its 304 has, too.
OF_304 = ("Cache-Control", "Content-Location", "ETag", "Retry-After", "Vary", "Referrer-Policy", "X-Robots-Tag")

IF_MATCH = OpenApiParameter(
    "If-Match",
    location=OpenApiParameter.HEADER,
    description="ETags, or *. If the resource has another one by now, nothing is written and the answer is 412.",
)


class Conditions:
    """Give every answer of the API that is JSON its ETag, and answer 304 where the client has it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method in READING and _is_of_api(request) and isinstance(response, HttpResponse):
            return _conditional(request, response)
        return response

    def process_view(self, request: HttpRequest, view: View, _arguments: Any, _named: Any) -> HttpResponse | None:
        """Refuse If-Match where it is not compared: its sender believes that nothing can be lost."""
        write = getattr(getattr(view, "cls", None), (request.method or "").lower(), None)
        if request.method in READING or "If-Match" not in request.headers or write is None:
            return None
        if hasattr(write, "takes_if_match"):
            return None
        detail = f"{request.method} of this address does not take If-Match. Send it without; nothing was written."
        return problem_response(HTTPStatus.PRECONDITION_FAILED, detail)


def _is_of_api(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and hasattr(match.func, "cls")


def _conditional(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if response.status_code == HTTPStatus.NOT_MODIFIED and "ETag" in response:
        return _kept_privately(response)
    if response.status_code != HTTPStatus.OK or not response.get("Content-Type", "").startswith(TAGGED):
        return response
    response.headers.setdefault("ETag", tag_of(response.content))
    _kept_privately(response)
    return _unchanged(response) if is_known(request, response["ETag"]) else response


def _kept_privately(response: HttpResponse) -> HttpResponse:
    response.headers.setdefault("Cache-Control", KEPT)
    patch_vary_headers(response, VARIES)
    return response


def is_known(request: HttpRequest | Request, tag: str) -> bool:
    """Return whether the client says that it has what this ETag is of."""
    known = request.headers.get("If-None-Match")
    return request.method in READING and known is not None and is_among(known, tag)


def not_modified(tag: str, headers: dict[str, str]) -> Response:
    """Return the answer to a client that has it as it is."""
    return Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag} | headers)


def _unchanged(response: HttpResponse) -> HttpResponse:
    answer = HttpResponseNotModified(headers={name: response[name] for name in OF_304 if name in response})
    answer.cookies = response.cookies
    return answer


def poll_again(after_s: int | None) -> dict[str, str]:
    """Return the header that says when it is worth another look; none if nothing will change."""
    return {} if after_s is None else {"Retry-After": str(after_s)}


def tag_of(content: bytes) -> str:
    """Return the ETag of an answer with these bytes."""
    return f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def is_among(known: str, tag: str) -> bool:
    """Return whether one of the client's ETags is this, by the weak comparison that If-None-Match asks for."""
    tags = parse_etags(known)
    return "*" in tags or tag in {one.removeprefix("W/") for one in tags}


def takes_if_match(lock: Callable[..., object]) -> Callable[[Write], Write]:
    """Let a write of a view compare If-Match with what its GET answers, in one transaction with the write.

    ``lock`` takes the user and the parts of the address, and holds what GET reads until the transaction ends; so no
    other write comes between. Without If-Match the write is as before.
    """

    def declare(write: Write) -> Write:
        @functools.wraps(write)
        def guarded(view: Any, request: Request, **named: Any) -> Response:
            if "If-Match" not in request.headers:
                return _tagged(request, write(view, request, **named))
            with transaction.atomic():
                lock(request.user, **named)
                _compare(request, view.get(request, **named))
                return _tagged(request, write(view, request, **named))

        guarded.takes_if_match = True  # type: ignore[attr-defined]  # Conditions reads it
        return cast("Write", guarded)

    return declare


def _compare(request: Request, current: Response) -> None:
    tags = parse_etags(request.headers["If-Match"])
    if (
        "*" not in tags and current.get("ETag", _tag_of_data(current)) not in tags
    ):  # the strong comparison: W/ never matches
        raise StaleError("It has changed since you read it. Read it again, then send your change again.")


def _tagged(request: Request, response: Response) -> Response:
    """Say the new ETag of what was changed: these answers are what GET answers now."""
    if request.method in {"PATCH", "PUT"} and response.status_code == HTTPStatus.OK:
        response["ETag"] = _tag_of_data(response)
    return response


def _tag_of_data(response: Response) -> str:
    return tag_of(FiniteJSONRenderer().render(response.data))

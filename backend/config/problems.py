"""Every error of the API as problem details (RFC 9457)."""

import errno
import sys
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from config import errors
from config.rendering import FiniteJSONRenderer

MEDIA_TYPE = "application/problem+json"
WAITING = "waiting"  # the name of the one policy
RETRY_AFTER_S = 5  # a database that restarts is back by then

STATUS = {
    errors.InvalidError: HTTPStatus.BAD_REQUEST,
    errors.CredentialsError: HTTPStatus.UNAUTHORIZED,
    errors.ScopeError: HTTPStatus.FORBIDDEN,
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.GoneError: HTTPStatus.GONE,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.QuotaError: HTTPStatus.CONFLICT,
    errors.QueueFullError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.StaleError: HTTPStatus.PRECONDITION_FAILED,
    errors.StreamsError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.LockedOutError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem(status: int, detail: str, *, code: str | None = None, field_errors: Any = None) -> dict[str, Any]:
    """Return the members of one problem; without a code it is the plain HTTP status."""
    members = {
        "type": f"urn:compas:problem:{code}" if code else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
    }
    return members | {"errors": field_errors} if field_errors else members


def problem_response(
    status: int, detail: str, *, code: str | None = None, headers: dict[str, str] | None = None, **more: Any
) -> JsonResponse:
    """Return one problem as an answer of its own, outside Django REST framework; ``more`` are further members."""
    body = problem(status, detail, code=code) | more
    return JsonResponse(body, status=status, headers=headers, content_type=MEDIA_TYPE)


def problem_details(error: Exception, context: dict[str, Any]) -> Response | None:
    """Translate what a view raised (REST_FRAMEWORK["EXCEPTION_HANDLER"])."""
    # A problem is always JSON, also in a view that answers with a video to clients that accept only that.
    context["request"].accepted_renderer = FiniteJSONRenderer()
    context["request"].accepted_media_type = MEDIA_TYPE
    if isinstance(error, errors.DomainError):
        return _from_domain(error)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, ValidationError):
        detail, code = "Some of the input is invalid; see errors.", "invalid"
        response.data = problem(response.status_code, detail, code=code, field_errors=_by_field(error.detail))
    else:
        response.data = problem(response.status_code, _detail(error))
    response.content_type = MEDIA_TYPE
    return response


def _from_domain(error: errors.DomainError) -> Response:
    status = STATUS[type(error)]
    body = problem(status, error.message, code=error.code, field_errors=error.errors)
    if isinstance(error, errors.QuotaError | errors.QueueFullError | errors.StreamsError):
        body["limit"] = error.limit
    response = Response(body, status=status, headers=retry_after(error), content_type=MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Session"
    if isinstance(error, errors.ScopeError):
        wanted = f', scope="{error.scope}"' if error.scope else ""
        response["WWW-Authenticate"] = f'Bearer error="insufficient_scope"{wanted}'
    return response


def retry_after(error: errors.DomainError) -> dict[str, str]:
    """Return the headers that say when to try again, if time alone helps."""
    if isinstance(error, errors.QueueFullError):
        limits = rate_limit(error.limit, 0, reset_s=error.retry_after_s)
        return {"Retry-After": str(error.retry_after_s)} | limits
    if isinstance(error, errors.LockedOutError | errors.StreamsError):
        return {"Retry-After": str(error.retry_after_s)}
    return {}


def rate_limit(most: int, left: int, *, reset_s: int | None = None) -> dict[str, str]:
    """Return how many tasks of a user may wait at once and how many more may (draft-ietf-httpapi-ratelimit-headers)."""
    until = "" if reset_s is None else f";t={reset_s}"
    return {"RateLimit-Policy": f'"{WAITING}";q={most}', "RateLimit": f'"{WAITING}";r={left}{until}'}


def _detail(error: Exception) -> str:
    return str(error.detail) if isinstance(error, APIException) else str(error) or "There is no such address."


def _by_field(detail: Any) -> dict[str, list[str]]:
    """Return the messages by field; one within a list or an object is named like ``tags.0``."""
    found: dict[str, list[str]] = {}
    _collect(detail, "", found)
    return found


def _collect(detail: Any, name: str, found: dict[str, list[str]]) -> None:
    if isinstance(detail, dict):
        for part, inner in detail.items():
            _collect(inner, f"{name}.{part}" if name else str(part), found)
    elif isinstance(detail, list) and any(isinstance(inner, dict | list) for inner in detail):
        _collect(dict(enumerate(detail)), name, found)
    else:
        messages = detail if isinstance(detail, list) else [detail]
        found.setdefault(name or "non_field_errors", []).extend(str(message) for message in messages)


class ProblemPages:
    """The same translation for the pages: a domain error becomes a page with its status, and so does a wrong method."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        # Django's own has no body: a browser would show its own page, without a way back.
        detail = "Forms of other pages are sent to this address; alone it shows nothing."
        page = outside_views(request, HTTPStatus.METHOD_NOT_ALLOWED, detail)
        page["Allow"] = response["Allow"]
        return page

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, errors.DomainError):
            return None
        response = outside_views(request, STATUS[type(error)], error.message)
        for name, value in retry_after(error).items():
            response[name] = value
        return response


def safe_only(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer GET and HEAD alone; like Django's require_safe, but the refusal is a problem."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if request.method in {"GET", "HEAD"}:
            return view(request)
        return problem_response(405, f'Method "{request.method}" not allowed.', headers={"Allow": "GET, HEAD"})

    return guarded


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - the framework's signature
    """Answer what Django itself refuses, such as an unknown host name or too many fields (handler400)."""
    return outside_views(request, HTTPStatus.BAD_REQUEST, "This request cannot be understood.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - the framework's signature
    """Answer what a page does not allow (handler403)."""
    return outside_views(request, HTTPStatus.FORBIDDEN, "You may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - the framework's signature
    """Answer an address that nothing serves (handler404)."""
    return outside_views(request, HTTPStatus.NOT_FOUND, "There is no such address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after a fault of ours, whatever raised it (handler500); the log has the traceback."""
    match sys.exc_info()[1]:
        case DatabaseError(__cause__=psycopg.errors.DiskFull() | psycopg.errors.ReadOnlySqlTransaction()):
            # Its disk is full, or another server took its place and this one only reads.
            status, detail = HTTPStatus.SERVICE_UNAVAILABLE, "The database takes no writes now; it was logged."
        case OperationalError() | InterfaceError():
            status, detail = HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer. Try again in a moment."
        case errors.StorageError():
            status, detail = (
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The storage of songs and videos does not answer. Try again in a moment.",
            )
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            status, detail = HTTPStatus.INSUFFICIENT_STORAGE, "There is no room left on the disk here; it was logged."
        case _:
            status, detail = HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here; it was logged."
    response = outside_views(request, status, detail)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - the framework's signature
    """Answer a form without its token (CSRF_FAILURE_VIEW)."""
    return outside_views(
        request, HTTPStatus.FORBIDDEN, "This form had expired. Go back, load the page again, and retry."
    )


def outside_views(request: HttpRequest, status: HTTPStatus, detail: str) -> HttpResponse:
    """Return a problem for a request that reached no view: a document below /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return problem_response(status, detail)
    context = {"detail": detail, "title": status.phrase, "status": int(status)}
    return render(request, "web/problem.html", context, status=status)

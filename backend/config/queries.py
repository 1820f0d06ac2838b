"""Query parameters that an address does not declare are refused: a misspelt filter would show everything."""

from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.generics import GenericAPIView
from rest_framework.views import APIView

from config.inputs import unknown
from config.problems import problem_response

View = Callable[..., Any]


class KnownQuery:
    """Compare with what the documentation declares, so that the two cannot differ."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, _arguments: Any, _named: Any) -> HttpResponse | None:
        """Look only at the API: pages and the original's addresses ignore what they do not know."""
        kind = getattr(view, "cls", None)
        if kind is None or not request.GET or not hasattr(kind, (request.method or "").lower()):
            return None
        strange = set(request.GET) - declared(kind, request.method or "")
        if not strange:
            return None
        errors = unknown(strange, "parameter")
        detail = f"The query has parameters that this address does not know: {', '.join(errors)}."
        return problem_response(HTTPStatus.BAD_REQUEST, detail, code="invalid", errors=errors)


@lru_cache(maxsize=1024)
def declared(kind: type[APIView], method: str) -> frozenset[str]:
    """Return the query parameters that a view documents for a method (extend_schema), with those of its pages."""
    names = {name for parameter in _documented(kind, method) for name in _names(parameter)}
    if method in {"GET", "HEAD"} and issubclass(kind, GenericAPIView) and kind.pagination_class:
        pages: Any = kind.pagination_class
        names |= {pages.cursor_query_param, pages.page_size_query_param}
    return frozenset(names)


def _documented(kind: type[APIView], method: str) -> list[Any]:
    answering = getattr(kind, "get" if method == "HEAD" else method.lower())
    documented: Any = getattr(answering, "kwargs", {}).get("schema") or type(kind.schema)
    schema = documented()
    # What extend_schema asks a view for when it is limited to a version: there is none.
    schema.view = SimpleNamespace(determine_version=lambda *_, **__: (None, None), request=None, kwargs={})
    schema.method = "GET" if method == "HEAD" else method
    parameters: list[Any] = schema.get_override_parameters()
    return parameters


def _names(parameter: Any) -> set[str]:
    if isinstance(parameter, OpenApiParameter):
        return {parameter.name} if parameter.location == OpenApiParameter.QUERY else set()
    return set(parameter().fields)

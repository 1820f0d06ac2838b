"""A request as the middleware makes it. Only type checkers use it."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """A request that knows whether htmx sent it (django_htmx.middleware.HtmxMiddleware)."""

    htmx: HtmxDetails

"""A request as the middleware makes it. It is for the types; Django makes the objects."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class HtmxRequest(HttpRequest):
    """A request that knows whether htmx sent it (django_htmx.middleware.HtmxMiddleware)."""

    htmx: HtmxDetails

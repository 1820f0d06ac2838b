"""Which form of an answer a client gets: JSON, in one form only."""

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request

PROBLEM = "application/problem+json"


class OneJson(DefaultContentNegotiation):
    """Who reads problems reads JSON, so ``Accept: application/problem+json`` is as good as ``application/json``.

    What the client says beside the type (``indent=4``) is ignored: an ETag is of one form.
    """

    def get_accept_list(self, request: Request) -> list[str]:
        """Return the types that the client takes."""
        asked = super().get_accept_list(request)
        return [kind.replace(PROBLEM, "application/json") if kind.startswith(PROBLEM) else kind for kind in asked]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        """Return the renderer and its own type."""
        renderer, _ = super().select_renderer(request, renderers, format_suffix)
        return renderer, renderer.media_type

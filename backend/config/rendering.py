"""JSON that every client can read."""

import math
from typing import Any

from rest_framework.renderers import JSONRenderer


def finite(value: Any) -> Any:
    """Return ``value`` with NaN and the infinities, which are no JSON, replaced by None.

    Old rows hold NaN durations, and a jsonb number such as 1e400 becomes infinite in Python.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


class FiniteJSONRenderer(JSONRenderer):
    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        try:
            return super().render(data, accepted_media_type, renderer_context)
        except ValueError:  # strict: it renders no number that is no JSON
            return super().render(finite(data), accepted_media_type, renderer_context)

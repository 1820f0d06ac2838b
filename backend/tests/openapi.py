"""The OpenAPI document, made once."""

import functools
from typing import Any

from drf_spectacular.generators import SchemaGenerator


@functools.cache
def document() -> dict[str, Any]:
    """Return the document as clients get it."""
    return SchemaGenerator().get_schema(request=None, public=True)

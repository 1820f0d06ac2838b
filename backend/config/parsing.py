"""Parsers of JSON bodies, which refuse bodies that are nested too deep."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class BoundedJSONParser(JSONParser):
    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deep") from error


class MergePatchParser(BoundedJSONParser):
    """The parser of the media type of RFC 7396."""

    media_type = "application/merge-patch+json"

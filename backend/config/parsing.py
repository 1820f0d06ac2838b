"""Parsers of JSON bodies, which refuse what could be read in two ways or not at all."""

import codecs
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser, get_encoding  # type: ignore[attr-defined]  # newer than its stubs
from rest_framework.utils import json

NAMED = 100  # so much of what a client sent is said back to it


class StrictJSONParser(JSONParser):
    """The parser of JSON: no name twice, no number that is none, nothing nested too deep."""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return what the body says. Raises ParseError."""
        del media_type
        try:
            text = codecs.getreader(get_encoding(parser_context or {}))(stream).read()
            return json.loads(text, object_pairs_hook=_once)
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deep") from error
        except ValueError as error:
            raise ParseError(f"JSON parse error - {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a name that stands twice, another program may take the other value."""
    read: dict[str, Any] = {}
    for name, value in pairs:
        if name in read:
            raise ValueError(f"the name {name[:NAMED]!a} stands twice; send it once")
        read[name] = value
    return read


class MergePatchParser(StrictJSONParser):
    """The parser of the media type of RFC 7396."""

    media_type = "application/merge-patch+json"

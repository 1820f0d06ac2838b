"""The mapping of an index: which fields there are, and which values fit them."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.search.errors import RefusedError

MOST_DIMS = 4096
PLAIN_TYPES = ("keyword", "text", "float", "integer", "date")
VECTOR_KEYS = {"type", "dims", "index", "similarity", "index_options"}
INTEGERS = range(-(2**31), 2**31)

Vector = list[float]


class Fields:
    """The fields of an index."""

    def __init__(self, mappings: Mapping[str, Any]) -> None:
        if unknown := set(mappings) - {"properties"}:
            raise _bad_mapping(f"unsupported parameters: {sorted(unknown)}")
        self.properties: dict[str, dict[str, Any]] = dict(mappings.get("properties", {}))
        for name, field in self.properties.items():
            _check_field(name, field)

    def is_vector(self, name: str) -> bool:
        """Whether a field holds vectors."""
        return self.properties.get(name, {}).get("type") == "dense_vector"

    def is_flat(self, name: str) -> bool:
        """Whether a field compares its vectors one by one."""
        return bool(self.properties[name].get("index_options", {}).get("type") == "flat")

    def check(self, document: Any) -> None:
        """Refuse a document that does not fit."""
        if not isinstance(document, dict):
            raise RefusedError(400, "document_parsing_exception", "a document must be an object")
        for name, value in document.items():
            if name not in self.properties:
                raise RefusedError(
                    400, "strict_dynamic_mapping_exception", f"dynamic introduction of [{name}] is not allowed"
                )
            if value is not None:
                self._check_value(name, value)

    def vector(self, name: str, value: Any) -> Vector:
        """Return a vector that fits a field."""
        dims = self.properties[name]["dims"]
        if not isinstance(value, list) or not all(_is_number(number) for number in value):
            raise RefusedError(400, "document_parsing_exception", f"[{name}] needs an array of numbers")
        if len(value) != dims:
            raise RefusedError(
                400,
                "document_parsing_exception",
                f"The [{name}] field has a different number of dimensions [{len(value)}] than defined [{dims}]",
            )
        if not any(value):
            raise RefusedError(
                400,
                "document_parsing_exception",
                f"The [cosine] similarity does not support vectors with zero magnitude. Field [{name}]",
            )
        return [float(number) for number in value]

    def _check_value(self, name: str, value: Any) -> None:
        kind = self.properties[name]["type"]
        if kind == "dense_vector":
            self.vector(name, value)
            return
        fits = {
            "keyword": lambda: isinstance(value, str),
            "text": lambda: isinstance(value, str),
            "float": lambda: _is_number(value),
            "integer": lambda: isinstance(value, int) and not isinstance(value, bool) and value in INTEGERS,
            "date": lambda: _is_date(value),
        }
        if not fits[kind]():
            raise RefusedError(
                400, "document_parsing_exception", f"failed to parse field [{name}] of type [{kind}]: {value!r}"
            )


def _check_field(name: str, field: Mapping[str, Any]) -> None:
    kind = field.get("type")
    if kind == "dense_vector":
        if {*field, "index_options"} != VECTOR_KEYS or field["similarity"] != "cosine" or field["index"] is not True:
            raise _bad_mapping(f"[{name}]: this stand-in knows dense_vector with dims, index true, similarity cosine")
        if not (isinstance(field["dims"], int) and 1 <= field["dims"] <= MOST_DIMS):
            raise _bad_mapping(
                f"The number of dimensions should be in the range [1, {MOST_DIMS}] but was {field['dims']}"
            )
    elif kind not in PLAIN_TYPES:
        raise _bad_mapping(f"No handler for type [{kind}] declared on field [{name}]")
    elif set(field) != {"type"}:
        raise _bad_mapping(f"unknown parameters on mapper [{name}] of type [{kind}]: {sorted(set(field) - {'type'})}")


def _bad_mapping(reason: str) -> RefusedError:
    return RefusedError(400, "mapper_parsing_exception", reason)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_date(value: Any) -> bool:
    # The format of a date field without one: strict_date_optional_time, or milliseconds.
    if isinstance(value, int) and not isinstance(value, bool):
        return True
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True

"""The mapping of an index: which fields there are, and which values fit them."""

import math
import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.search.errors import CreationError, RefusedError

MOST_DIMS = 4096
PLAIN_TYPES = ("keyword", "text", "float", "integer", "date")
COMPARABLE = ("keyword", "float", "integer")
VECTOR_KEYS = {"type", "dims", "index", "similarity", "index_options"}
UNQUANTISED = ({"type": "flat"}, {"type": "hnsw"})
LONGEST_KEYWORD_BYTES = 32_766
SINGLE = struct.Struct("<f")
LARGEST = 3.4028234663852886e38
# Elasticsearch takes a vector whose squared length is smaller for none.
SMALLEST_SQUARE = 1.1754943508222875e-38
INTEGERS = range(-(2**31), 2**31)

Vector = list[float]


class Fields:
    """The fields of an index."""

    def __init__(self, mappings: Mapping[str, Any]) -> None:
        if unknown := set(mappings) - {"properties", "dynamic"}:
            raise _bad_mapping(f"unsupported parameters: {sorted(unknown)}")
        if mappings.get("dynamic", "strict") != "strict":
            raise _bad_mapping("this stand-in knows [dynamic] strict only")
        self.mappings = {**mappings, "properties": dict(mappings.get("properties", {}))}
        self.properties: dict[str, dict[str, Any]] = self.mappings["properties"]
        for name, field in self.properties.items():
            _check_field(name, field)

    def is_vector(self, name: str) -> bool:
        """Whether a field holds vectors."""
        return self.properties.get(name, {}).get("type") == "dense_vector"

    def is_flat(self, name: str) -> bool:
        """Whether a field compares its vectors one by one."""
        return bool(self.properties[name].get("index_options", {}).get("type") == "flat")

    def is_comparable(self, name: str) -> bool:
        """Whether this stand-in can look for values of a field."""
        return self.properties[name]["type"] in COMPARABLE

    def values(self, name: str, document: Mapping[str, Any]) -> list[Any]:
        """Return the values of a field as they are indexed."""
        value = document.get(name)
        listed = value if isinstance(value, list) else [value]
        return [_indexed(self.properties[name]["type"], one) for one in listed if one is not None]

    def shown(self, name: str, document: Mapping[str, Any]) -> list[Any]:
        """Return the values of a field as a search shows them: a vector with the digits that single precision has."""
        if self.is_vector(name):
            return [float(f"{number:.9g}") for number in document[name]]
        if self.is_comparable(name):
            return self.values(name, document)
        value = document[name]
        return value if isinstance(value, list) else [value]

    def asked(self, name: str, value: Any) -> Any:
        """Return a value of a query as it is compared; raise CreationError when the field cannot hold it."""
        kind = self.properties[name]["type"]
        if kind == "keyword":
            return _indexed(kind, value)
        try:
            return float(value)
        except ValueError as error:
            raise CreationError(f'For input string: "{value}"', "number_format_exception") from error

    def check(self, identity: str, document: Any) -> None:
        """Refuse a document that does not fit."""
        if not isinstance(document, dict):
            raise RefusedError(400, "document_parsing_exception", "a document must be an object")
        for name, value in document.items():
            if name not in self.properties:
                reason = f"[1:1] mapping set to strict, dynamic introduction of [{name}] within [_doc] is not allowed"
                raise RefusedError(400, "strict_dynamic_mapping_exception", reason)
            if value is not None:
                self._check_value(identity, name, value)

    def asked_vector(self, name: str, value: Any) -> Vector:
        """Return the vector of a query."""
        if not self.is_vector(name):
            raise CreationError("[knn] queries are only supported on [dense_vector] fields")
        dims = self.properties[name]["dims"]
        if len(value) != dims:
            raise CreationError(
                f"The query vector has a different number of dimensions [{len(value)}] "
                f"than the document vectors [{dims}]."
            )
        if fault := _fault(vector := [float(number) for number in value]):
            raise CreationError(fault)
        return vector

    def _check_value(self, identity: str, name: str, value: Any) -> None:
        kind = self.properties[name]["type"]
        if kind == "dense_vector":
            self._check_vector(identity, name, value)
            return
        for one in value if isinstance(value, list) else [value]:
            if cause := _misfit(kind, name, one):
                shown = "Infinity" if cause.reason.endswith("[Infinity]") else one
                reason = (
                    f"[1:1] failed to parse field [{name}] of type [{kind}] in document with id '{identity}'. "
                    f"Preview of field's value: '{shown}'"
                )
                raise RefusedError(400, "document_parsing_exception", reason, caused_by=cause)

    def _check_vector(self, identity: str, name: str, value: Any) -> None:
        dims = self.properties[name]["dims"]
        if not isinstance(value, list) or not all(map(_is_number, value)):
            reason = "Failed to parse object: expecting token of type [VALUE_NUMBER] but found [VALUE_STRING]"
            cause = RefusedError(400, "parsing_exception", reason, more={"line": 1, "col": 1})
        elif len(value) != dims:
            size = "more dimensions" if len(value) > dims else f"a different number of dimensions [{len(value)}]"
            of = f"The [dense_vector] field [{name}] in doc [document with id '{identity}']"
            cause = CreationError(f"{of} has {size} than defined in the mapping [{dims}]")
        elif fault := _fault([float(number) for number in value]):
            cause = CreationError(fault)
        else:
            return
        reason = f"[1:1] failed to parse: {cause.reason}"
        raise RefusedError(400, "document_parsing_exception", reason, caused_by=cause)


def _fault(vector: Vector) -> str | None:
    """Return why a vector has no cosine; None when it has one."""
    shown = ", ".join(map(_java, vector))
    for dim, number in enumerate(vector):
        if abs(number) > LARGEST:
            what = f"element_type [float] vectors do not support infinite values but found [{_java(number)}]"
            return f"{what} at dim [{dim}]; Preview of invalid vector: [{shown}]"
    square = math.fsum(number * number for number in vector)
    if square > LARGEST:
        what = "NaN or Infinite magnitude detected, this usually means the vector values are too extreme"
        return f"{what} to fit within a float. Preview of invalid vector: [{shown}]"
    if square < SMALLEST_SQUARE:
        what = "The [cosine] similarity does not support vectors with zero magnitude."
        return f"{what} Preview of invalid vector: [{shown}]"
    return None


def _java(number: float) -> str:
    """Return a number of 32 bits in Java's notation, as far as these messages need it."""
    if abs(number) > LARGEST:
        return "Infinity" if number > 0 else "-Infinity"
    if number and not 1e-3 <= abs(number) < 1e7:  # noqa: PLR2004 - where Java begins to write an exponent
        digits, exponent = f"{number:e}".split("e")
        digits = digits.rstrip("0")
        return f"{digits}{'0' if digits.endswith('.') else ''}E{int(exponent)}"
    return repr(float(number))


def _misfit(kind: str, name: str, value: Any) -> RefusedError | None:
    """Return why a value does not fit a plain field; None when it does."""
    if kind == "keyword" and len(term := str(value).encode()) > LONGEST_KEYWORD_BYTES:
        return CreationError(
            f'Document contains at least one immense term in field="{name}" (whose UTF8 encoding is longer than the '
            f"max length {LONGEST_KEYWORD_BYTES}), all of which were skipped. Please correct the analyzer to not "
            f"produce such terms. The prefix of the first immense term is: '{list(term[:30])}...'"
        )
    if kind == "date" and not _is_date(value):
        return _no_date(value)
    return _no_number(kind, value) if kind in {"float", "integer"} else None


def _no_number(kind: str, value: Any) -> RefusedError | None:
    try:
        number = float(value)
    except ValueError:
        return CreationError(f'For input string: "{value}"', "number_format_exception")
    if kind == "float" and abs(number) > LARGEST:
        return CreationError(f"[float] supports only finite values, but got [{_java(number)}]")
    if kind == "integer" and int(number) not in INTEGERS:
        return CreationError(f"Value [{value}] is out of range for an integer")
    return None


def _no_date(value: Any) -> RefusedError:
    if not value:
        return CreationError("cannot parse empty datetime")
    cause = CreationError(f"failed to parse date field [{value}] with format [strict_date_optional_time||epoch_millis]")
    cause.caused_by = RefusedError(400, "date_time_parse_exception", "Failed to parse with all enclosed parsers")
    return cause


def _check_field(name: str, field: Mapping[str, Any]) -> None:
    kind = field.get("type")
    if kind == "dense_vector":
        if {*field, "index_options"} != VECTOR_KEYS or field["similarity"] != "cosine" or field["index"] is not True:
            raise _bad_mapping(f"[{name}]: this stand-in knows dense_vector with dims, index true, similarity cosine")
        if field.get("index_options", UNQUANTISED[0]) not in UNQUANTISED:
            raise _bad_mapping(f"[{name}]: this stand-in does not quantise vectors; it knows index_options flat, hnsw")
        if not (isinstance(field["dims"], int) and 1 <= field["dims"] <= MOST_DIMS):
            raise _bad_mapping(
                f"The number of dimensions should be in the range [1, {MOST_DIMS}] but was [{field['dims']}]"
            )
    elif kind not in PLAIN_TYPES:
        raise _bad_mapping(
            f"The mapper type [{kind}] declared on field [{name}] does not exist. It might have been created within a "
            "future version or requires a plugin to be installed. Check the documentation."
        )
    elif strange := set(field) - {"type"}:
        raise _bad_mapping(f"unknown parameter [{min(strange)}] on mapper [{name}] of type [{kind}]")


def _bad_mapping(reason: str) -> RefusedError:
    cause = RefusedError(400, "mapper_parsing_exception", reason)
    return RefusedError(400, "mapper_parsing_exception", f"Failed to parse mapping: {reason}", caused_by=cause)


def _indexed(kind: str, value: Any) -> Any:
    if kind == "keyword":
        return str(value).lower() if isinstance(value, bool) else str(value)
    return float(value) if kind == "float" else int(float(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_date(value: Any) -> bool:
    # The format of a date field without one: strict_date_optional_time, or milliseconds.
    if isinstance(value, int) and not isinstance(value, bool):
        return True
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True

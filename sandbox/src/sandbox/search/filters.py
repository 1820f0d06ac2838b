"""Which documents a query lets through."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.search.errors import unknown
from sandbox.search.mapping import Fields

# Of an id and a document.
Test = Callable[[str, Mapping[str, Any]], bool]
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gte": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "lte": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
}


def all_of(queries: Any, fields: Fields) -> Test:
    """Return the test that one query or a list of them stands for."""
    listed = queries if isinstance(queries, list) else [queries]
    tests = [_test(query, fields) for query in listed]
    return lambda identity, document: all(test(identity, document) for test in tests)


def _test(query: Any, fields: Fields) -> Test:
    if not isinstance(query, dict) or len(query) != 1:
        raise unknown(f"a query must be an object with one key, not {query!r}")
    ((kind, body),) = query.items()
    if kind == "match_all":
        return lambda *_: True
    if kind == "ids":
        wanted = set(body["values"])
        return lambda identity, _: identity in wanted
    if kind == "exists":
        return lambda _, document: document.get(body["field"]) is not None
    if kind == "bool":
        return _bool(body, fields)
    if kind in {"term", "terms", "range"}:
        return _of_field(kind, body, fields)
    raise unknown(f"unknown query [{kind}]")


def _bool(body: Mapping[str, Any], fields: Fields) -> Test:
    if strange := set(body) - {"filter", "must", "must_not"}:
        raise unknown(f"[bool] query does not support {sorted(strange)}")
    needed = [all_of(body[name], fields) for name in ("filter", "must") if name in body]
    unwanted = body.get("must_not", [])
    forbidden = [_test(query, fields) for query in (unwanted if isinstance(unwanted, list) else [unwanted])]
    return lambda *one: all(test(*one) for test in needed) and not any(test(*one) for test in forbidden)


def _of_field(kind: str, body: Any, fields: Fields) -> Test:
    if not isinstance(body, dict) or len(body) != 1:
        raise unknown(f"[{kind}] query needs one field")
    ((name, wanted),) = body.items()
    # As Elasticsearch does: a field that is not mapped matches nothing.
    if name not in fields.properties:
        return lambda *_: False
    if fields.properties[name]["type"] not in {"keyword", "float", "integer"}:
        raise unknown(f"[{kind}] on [{name}], which is no keyword and no number, is unknown to this stand-in")
    if kind == "range":
        return _range(name, wanted)
    if kind == "term":
        value = wanted["value"] if isinstance(wanted, dict) else wanted
        return lambda _, document: document.get(name) == value
    if not isinstance(wanted, list):
        raise unknown("[terms] query needs an array of values")
    return lambda _, document: document.get(name) in wanted


def _range(name: str, bounds: Mapping[str, Any]) -> Test:
    if strange := set(bounds) - set(COMPARISONS):
        raise unknown(f"[range] query does not support {sorted(strange)}")
    return lambda _, document: (
        document.get(name) is not None
        and all(COMPARISONS[sign](document[name], bound) for sign, bound in bounds.items())
    )

"""Which documents a query lets through."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.search.errors import RefusedError, illegal, not_parsed, unknown, unknown_query
from sandbox.search.mapping import Fields

# Of an id and a document.
Test = Callable[[str, Mapping[str, Any]], bool]
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "gte": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "lte": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
}
OF_ONE_FIELD = ("term", "terms", "range")


def all_of(queries: Any, fields: Fields) -> Test:
    """Return the test that one query or a list of them stands for."""
    listed = queries if isinstance(queries, list) else [queries]
    tests = [_test(query, fields) for query in listed]
    return lambda identity, document: all(test(identity, document) for test in tests)


def _test(query: Any, fields: Fields) -> Test:
    if not query:
        raise illegal("query malformed, empty clause found at [1:1]")
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
    if kind in OF_ONE_FIELD:
        return _of_field(kind, body, fields)
    raise unknown_query(kind)


def _bool(body: Mapping[str, Any], fields: Fields) -> Test:
    if strange := set(body) - {"filter", "must", "must_not"}:
        raise not_parsed(f"[bool] unknown field [{min(strange)}]")
    needed = [_clause(name, body[name], fields) for name in ("filter", "must") if name in body]
    unwanted = body.get("must_not", [])
    forbidden = [
        _clause("must_not", query, fields) for query in (unwanted if isinstance(unwanted, list) else [unwanted])
    ]
    return lambda *one: all(test(*one) for test in needed) and not any(test(*one) for test in forbidden)


def _clause(name: str, queries: Any, fields: Fields) -> Test:
    try:
        return all_of(queries, fields)
    except RefusedError as error:
        if error.kind == "parsing_exception":
            raise not_parsed(f"[bool] failed to parse field [{name}]", error) from error
        raise


def _of_field(kind: str, body: Any, fields: Fields) -> Test:
    if not isinstance(body, dict) or not body:
        raise unknown(f"[{kind}] query needs one field")
    if len(body) > 1:
        first, second, *_ = body
        raise unknown(f"[{kind}] query doesn't support multiple fields, found [{first}] and [{second}]")
    ((name, wanted),) = body.items()
    _check_form(kind, name, wanted)
    # As Elasticsearch does: a field that is not mapped matches nothing.
    if name not in fields.properties:
        return lambda *_: False
    if not fields.is_comparable(name):
        raise unknown(f"[{kind}] on [{name}], which is no keyword and no number, is unknown to this stand-in")
    if kind == "range":
        bounds = {sign: fields.asked(name, bound) for sign, bound in wanted.items()}
        return lambda _, document: any(
            all(COMPARISONS[sign](value, bound) for sign, bound in bounds.items())
            for value in fields.values(name, document)
        )
    listed = wanted if kind == "terms" else [wanted["value"] if isinstance(wanted, dict) else wanted]
    terms = {fields.asked(name, term) for term in listed}
    return lambda _, document: not terms.isdisjoint(fields.values(name, document))


def _check_form(kind: str, name: str, wanted: Any) -> None:
    if kind == "term" and isinstance(wanted, list):
        raise unknown("[term] query does not support array of values")
    if kind == "terms" and not isinstance(wanted, list):
        raise unknown(f"[terms] query does not support [{name}]")
    known = {"range": set(COMPARISONS), "term": {"value"}}.get(kind, set())
    if isinstance(wanted, dict) and (strange := set(wanted) - known):
        raise unknown(f"[{kind}] query does not support [{min(strange)}]")

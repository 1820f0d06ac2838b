"""What each address answers."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.search.errors import RefusedError, no_index, unknown
from sandbox.search.index import RESULT_WINDOW, USUAL_SIZE, Index

VERSION = "9.2.0"
Answer = tuple[int, dict[str, Any]]
Parameters = Mapping[str, str]
WRITES = ("index", "create")
READING = ("GET", "POST")
CALLS = {"_search": READING, "_count": READING, "_refresh": READING, "_mget": READING, "_mapping": ("GET",)}


@dataclass
class Scroll:
    """The hits of a search that are still to be read."""

    hits: dict[str, Any]
    size: int

    def page(self) -> dict[str, Any]:
        """Return the next hits."""
        rest = self.hits["hits"]
        self.hits = {**self.hits, "hits": rest[self.size :]}
        return {**self.hits, "hits": rest[: self.size]}


class Requests:
    """The indices of the server, and the calls that reach them."""

    def __init__(self) -> None:
        self.indices: dict[str, Index] = {}
        # What is left of a search that is read page by page: as it was when it was made.
        self.scrolls: dict[str, Scroll] = {}

    def answer(self, method: str, path: str, parameters: Parameters, body: bytes) -> Answer:
        """Return the status and the answer to a request; raise RefusedError when it is refused."""
        match [part for part in path.split("/") if part]:
            case [] if method in {"GET", "HEAD"}:
                return 200, _about()
            case [*name, "_bulk"] if len(name) <= 1 and method in {"POST", "PUT"}:
                return self._bulk(body, *name, parameters=parameters)
            case [name, "_msearch"] if method in READING:
                return 200, self._several(name, body, parameters)
            case ["_search", "scroll"] if method in {"POST", "DELETE"}:
                return 200, self._scroll(method, _json(body))
            case [name] if not name.startswith("_"):
                return self._whole_index(method, name, body, parameters)
            case [name, call] if call in CALLS and method in CALLS[call]:
                return 200, self._call(call, name, _json(body), parameters)
        raise RefusedError(
            400, "illegal_argument_exception", f"no handler found for uri [{path}] and method [{method}]"
        )

    def _call(self, call: str, name: str, body: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
        if call == "_mget":
            return self._mget(name, body, parameters)
        _only(parameters, *(("scroll", "allow_partial_search_results") if call == "_search" else ()))
        index, shards = self._index(name), {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
        if call == "_search" and "scroll" in parameters:
            return self._first_page(index, body)
        if call == "_search":
            return {"took": 1, "timed_out": False, "_shards": shards, "hits": index.search(body)}
        if call == "_count":
            return {"count": index.count(body), "_shards": shards}
        if call == "_refresh":
            index.refresh()
            return {"_shards": shards}
        return {name: {"mappings": {"properties": index.fields.properties}}}

    def _several(self, name: str, body: bytes, parameters: Parameters) -> dict[str, Any]:
        _only(parameters)
        lines = [_json(line) for line in body.split(b"\n") if line]
        return {
            "took": 1,
            "responses": [self._one_of_several(name, *pair) for pair in zip(lines[::2], lines[1::2], strict=True)],
        }

    def _one_of_several(self, name: str, head: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        if head:
            raise unknown(f"this stand-in knows no head of a search among several: {sorted(head)}")
        try:
            return {**self._call("_search", name, body, {}), "status": 200}
        except RefusedError as error:
            return error.answer()

    def _first_page(self, index: Index, body: Mapping[str, Any]) -> dict[str, Any]:
        size = body.get("size", USUAL_SIZE)
        whole = index.search({**body, "size": RESULT_WINDOW})
        name = f"scroll-{len(self.scrolls)}"
        self.scrolls[name] = Scroll(whole, size)
        return self._scroll("POST", {"scroll_id": name})

    def _scroll(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if strange := set(body) - {"scroll", "scroll_id"}:
            raise unknown(f"request does not support {sorted(strange)}")
        name = str(body.get("scroll_id"))
        if name not in self.scrolls:
            raise RefusedError(404, "search_context_missing_exception", f"No search context found for id [{name}]")
        if method == "DELETE":
            del self.scrolls[name]
            return {"succeeded": True, "num_freed": 1}
        return {"took": 1, "timed_out": False, "_scroll_id": name, "hits": self.scrolls[name].page()}

    def _whole_index(self, method: str, name: str, body: bytes, parameters: Parameters) -> Answer:
        _only(parameters)
        if method == "HEAD":
            return (200 if name in self.indices else 404), {}
        if method == "PUT":
            return self._create(name, _json(body))
        if method == "DELETE":
            self._index(name)
            del self.indices[name]
            return 200, {"acknowledged": True}
        raise RefusedError(405, "illegal_argument_exception", f"method [{method}] on [/{name}] is unknown here")

    def _create(self, name: str, body: Mapping[str, Any]) -> Answer:
        if name in self.indices:
            raise RefusedError(400, "resource_already_exists_exception", f"index [{name}] already exists")
        if name != name.lower() or name.startswith(("_", "-", "+")):
            raise RefusedError(400, "invalid_index_name_exception", f"Invalid index name [{name}]")
        if strange := set(body) - {"mappings", "settings"}:
            raise unknown(f"unknown key {sorted(strange)} for create index")
        self.indices[name] = Index(name, body.get("mappings", {}))
        return 200, {"acknowledged": True, "shards_acknowledged": True, "index": name}

    def _bulk(self, body: bytes, in_path: str | None = None, *, parameters: Parameters) -> Answer:
        _only(parameters, "refresh")
        if not body.endswith(b"\n"):
            raise RefusedError(
                400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]"
            )
        items = [self._write(*action, in_path) for action in _actions(body)]
        if parameters.get("refresh") not in {None, "false"}:
            for index in self.indices.values():
                index.refresh()
        failed = any("error" in result for item in items for result in item.values())
        return 200, {"took": 1, "errors": failed, "items": items}

    def _write(self, kind: str, head: Mapping[str, Any], document: Any, in_path: str | None) -> dict[str, Any]:
        name, identity = head.get("_index", in_path), head.get("_id")
        result = {"_index": name, "_id": identity}
        try:
            done = self._written(kind, str(name), head, document)
        except RefusedError as error:
            return {kind: {**result, "status": error.status, "error": error.cause()}}
        status = {"created": 201, "not_found": 404}.get(done, 200)
        return {kind: {**result, "result": done, "status": status}}

    def _written(self, kind: str, name: str, head: Mapping[str, Any], document: Any) -> str:
        if strange := set(head) - {"_index", "_id"}:
            raise unknown(f"Action/metadata line contains an unknown parameter {sorted(strange)}")
        identity = head.get("_id")
        if not isinstance(identity, str) or not identity:
            raise RefusedError(400, "illegal_argument_exception", "this stand-in needs an [_id] for every document")
        index = self._index(name)
        return index.remove(identity) if kind == "delete" else index.put(identity, document, only_new=kind == "create")

    def _mget(self, name: str, body: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
        _only(parameters, "_source", "_source_includes", "_source_excludes", "_source_exclude_vectors")
        if set(body) != {"ids"}:
            raise unknown(f"this stand-in knows [ids] of _mget, not {sorted(body)}")
        if not body["ids"]:
            raise RefusedError(400, "action_request_validation_exception", "no documents to get")
        if name not in self.indices:
            cause = no_index(name).cause()
            return {
                "docs": [{"_index": name, "_id": i, "error": {"root_cause": [cause], **cause}} for i in body["ids"]]
            }
        return {"docs": [self.indices[name].get(i, _selection(parameters)) for i in body["ids"]]}

    def _index(self, name: str) -> Index:
        if name not in self.indices:
            raise no_index(name)
        return self.indices[name]


def _about() -> dict[str, Any]:
    return {
        "name": "stand-in",
        "cluster_name": "sandbox",
        "cluster_uuid": "sandbox",
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "minimum_wire_compatibility_version": "8.19.0",
            "minimum_index_compatibility_version": "8.0.0",
        },
        "tagline": "You Know, for Search",
    }


def _json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError as error:
        raise unknown(f"the body is not valid JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise unknown("the body must be an object")
    return parsed


def _actions(body: bytes) -> Iterator[tuple[str, dict[str, Any], Any]]:
    lines = iter([line for line in body.split(b"\n") if line])
    for line in lines:
        action = _json(line)
        if len(action) != 1 or (kind := next(iter(action))) not in (*WRITES, "delete"):
            raise RefusedError(
                400, "illegal_argument_exception", f"Malformed action/metadata line, found {sorted(action)}"
            )
        document = None
        if kind in WRITES:
            following = next(lines, None)
            if following is None:
                raise RefusedError(400, "illegal_argument_exception", "the last action has no document")
            document = _json(following)
        yield kind, action[kind], document


def _only(parameters: Parameters, *known: str) -> None:
    if strange := set(parameters) - set(known):
        raise RefusedError(
            400, "illegal_argument_exception", f"request contains unrecognized parameters: {sorted(strange)}"
        )


def _selection(parameters: Parameters) -> Any:
    if parameters.get("_source") in {"true", "false"}:
        return parameters["_source"] == "true"
    chosen: dict[str, Any] = {
        word: parameters[name].split(",")
        for name, word in (("_source", "includes"), ("_source_includes", "includes"), ("_source_excludes", "excludes"))
        if name in parameters
    }
    if "_source_exclude_vectors" in parameters:
        chosen["exclude_vectors"] = parameters["_source_exclude_vectors"] != "false"
    return chosen

"""What each address answers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.search.errors import NotServedError, RefusedError, ShardError, illegal, invalid, no_index, unknown
from sandbox.search.index import RESULT_WINDOW, USUAL_SIZE, Index

VERSION = "9.2.0"
Answer = tuple[int, dict[str, Any]]
Parameters = Mapping[str, str]
WRITES = ("index", "create")
NOT_FOUND = 404
LONGEST_ID_BYTES = 512
COPIES = {"total": 2, "successful": 1, "failed": 0}  # of a shard: a replica has no place on one node
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
                return self._bulk(path, body, *name, parameters=parameters)
            case [name, "_msearch"] if method in READING:
                return 200, self._several(path, name, body, parameters)
            case ["_search", "scroll"] if method in {"POST", "DELETE"}:
                return 200, self._scroll(method, _json(body))
            case [name] if not name.startswith("_") or method == "PUT":
                return self._whole_index(method, name, body, parameters)
            case [name, call] if call in CALLS and method in CALLS[call]:
                return 200, self._call(call, name, _json(body), parameters)
            case [_, call] if call in CALLS:
                raise NotServedError(405, "", _method(path, method, CALLS[call]))
        raise NotServedError(400, "", f"no handler found for uri [{path}] and method [{method}]")

    def _call(self, call: str, name: str, body: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
        if call == "_mget":
            return self._mget(name, body, parameters)
        known = ("scroll", "allow_partial_search_results") if call == "_search" else ()
        _only(f"/{name}/{call}", parameters, *known)
        index, shards = self._index(name), {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
        if call == "_search" and "scroll" in parameters:
            return self._first_page(index, body)
        if call == "_search":
            return {"took": 1, "timed_out": False, "_shards": shards, "hits": index.search(body)}
        if call == "_count":
            return {"count": index.count(body), "_shards": shards}
        if call == "_refresh":
            index.refresh()
            return {"_shards": COPIES}
        return {name: {"mappings": index.fields.mappings}}

    def _several(self, path: str, name: str, body: bytes, parameters: Parameters) -> dict[str, Any]:
        _only(path, parameters)
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
            # What cannot be read fails the request as a whole.
            if isinstance(error, ShardError) or error.status == NOT_FOUND:
                return error.answer()
            raise

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
        _only(f"/{name}", parameters)
        if method == "HEAD":
            return (200 if name in self.indices else 404), {}
        if method == "PUT":
            return self._create(name, _json(body))
        if method == "DELETE":
            self._index(name)
            del self.indices[name]
            return 200, {"acknowledged": True}
        if method == "GET":
            raise illegal(f"this stand-in does not tell all of [{name}]; it knows _mapping")
        raise NotServedError(405, "", _method(f"/{name}", method, ("GET", "PUT", "DELETE", "HEAD")))

    def _create(self, name: str, body: Mapping[str, Any]) -> Answer:
        if (there := self.indices.get(name)) is not None:
            more = {"index_uuid": there.uuid, "index": name}
            reason = f"index [{name}/{there.uuid}] already exists"
            raise RefusedError(400, "resource_already_exists_exception", reason, more=more)
        if name != name.lower():
            raise _bad_name(name, "must be lowercase")
        if name.startswith(("_", "-", "+")):
            raise _bad_name(name, "must not start with '_', '-', or '+'")
        if strange := set(body) - {"mappings", "settings"}:
            raise RefusedError(400, "parse_exception", f"unknown key [{min(strange)}] for create index")
        self.indices[name] = Index(name, body.get("mappings", {}))
        return 200, {"acknowledged": True, "shards_acknowledged": True, "index": name}

    def _bulk(self, path: str, body: bytes, in_path: str | None = None, *, parameters: Parameters) -> Answer:
        _only(path, parameters, "refresh")
        if not body:
            raise RefusedError(400, "parse_exception", "request body is required")
        if not body.endswith(b"\n"):
            raise illegal("The bulk request must be terminated by a newline [\\n]")
        actions = [(kind, head.get("_index", in_path), head, document) for kind, head, document in _actions(body)]
        if not actions:
            raise invalid("no requests added")
        for _, name, head, _ in actions:
            _check_head(name, head)
        refreshes = parameters.get("refresh") not in {None, "false"}
        items = [
            self._write(kind, str(name), head, document, refreshes=refreshes) for kind, name, head, document in actions
        ]
        if refreshes:
            for index in self.indices.values():
                index.refresh()
        failed = any("error" in result for item in items for result in item.values())
        return 200, {"took": 1, "errors": failed, "items": items}

    def _write(
        self, kind: str, name: str, head: Mapping[str, Any], document: Any, *, refreshes: bool
    ) -> dict[str, Any]:
        identity = head["_id"]
        result = {"_index": name, "_id": identity}
        try:
            if not identity:
                raise illegal("if _id is specified it must not be empty")
            index = self._index(name)
            done = (
                index.remove(identity) if kind == "delete" else index.put(identity, document, only_new=kind == "create")
            )
        except RefusedError as error:
            return {kind: {**result, "status": error.status, "error": error.cause()}}
        status = {"created": 201, "not_found": 404}.get(done, 200)
        seen = {"forced_refresh": True} if refreshes else {}
        return {
            kind: {**result, **index.written(identity), "result": done, **seen, "_shards": COPIES, "status": status}
        }

    def _mget(self, name: str, body: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
        known = ("_source", "_source_includes", "_source_excludes", "_source_exclude_vectors")
        _only(f"/{name}/_mget", parameters, *known)
        if strange := set(body) - {"ids"}:
            raise unknown(f"unknown key [{min(strange)}] for a START_ARRAY, expected [docs] or [ids]")
        if not body.get("ids"):
            raise invalid("no documents to get")
        return {"docs": [self._got(name, identity, _selection(parameters)) for identity in body["ids"]]}

    def _got(self, name: str, identity: str, selection: Any) -> dict[str, Any]:
        try:
            index = self._index(name)
            if not identity:
                raise illegal("Ids can't be empty")
            return index.get(identity, selection)
        except RefusedError as error:
            return {"_index": name, "_id": identity, "error": error.answer()["error"]}

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
    for number, line in enumerate(lines, start=1):
        action = _json(line)
        kind = next(iter(action), "")
        if kind not in (*WRITES, "delete"):
            expected = "expected field [create], [delete], [index] or [update]"
            raise illegal(f"Malformed action/metadata line [{number}], {expected} but found [{kind}]")
        if strange := set(action[kind]) - {"_index", "_id"}:
            raise illegal(f"Action/metadata line [{number}] contains an unknown parameter [{min(strange)}]")
        document = None
        if kind in WRITES:
            following = next(lines, None)
            if following is None:
                return
            document = _json(following)
        yield kind, action[kind], document


def _check_head(name: str | None, head: Mapping[str, Any]) -> None:
    if name is None:
        raise invalid("index is missing")
    if "_id" not in head:
        raise illegal("this stand-in needs an [_id] for every document")
    if (size := len(head["_id"].encode())) > LONGEST_ID_BYTES:
        most = f"must be no longer than {LONGEST_ID_BYTES} bytes but was: {size}"
        raise invalid(f"id [{head['_id']}] is too long, {most}")


def _bad_name(name: str, why: str) -> RefusedError:
    more = {"index_uuid": "_na_", "index": name}
    return RefusedError(400, "invalid_index_name_exception", f"Invalid index name [{name}], {why}", more=more)


def _method(path: str, method: str, allowed: Sequence[str]) -> str:
    return f"Incorrect HTTP method for uri [{path}] and method [{method}], allowed: [{', '.join(allowed)}]"


def _only(path: str, parameters: Parameters, *known: str) -> None:
    if strange := set(parameters) - set(known):
        raise illegal(f"request [{path}] contains unrecognized parameter: [{min(strange)}]")


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

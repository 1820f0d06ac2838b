"""Google Cloud's load balancer on this machine: the REST interface of one global URL map, and the people's side of it.

It keeps to what is documented: a JSON merge patch, the fingerprint, operations that are done a while later, no default
service beside weighted ones, weights up to 1000. Left out: validation of routes, regions, and the spread over sites.
"""

import copy
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

LOOPBACK, POLL_S = "127.0.0.1", 0.02
PROJECT, NAME, MATCHER = "the-project", "the-map", "all"
SERVICES = {"original": "shop-monolith", "backend": "shop-api"}
API = "/compute/v1"
MOST = 1000


class UrlMapRefusedError(Exception):
    """A request that is answered with an error, and changes nothing."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class FakeUrlMap:
    """One URL map with one path matcher. Answers at ``url``: its interface below ``/compute/v1``, people elsewhere.

    ``token`` lets a client in. ``slow`` says how often an operation is asked before it is done.
    """

    def __init__(self, *, slow: int = 1) -> None:
        self.token, self.slow = secrets.token_urlsafe(20), slow
        self.requests: list[str] = []
        self._lock = threading.RLock()
        self._asked = 0
        self._operations: dict[str, tuple[int, dict[str, Any]]] = {}
        self._http = _Http((LOOPBACK, 0), _Handler)
        self._http.map = self
        self.url = f"http://{LOOPBACK}:{self._http.server_address[1]}"
        self.kept: dict[str, Any] = {
            "kind": "compute#urlMap",
            "name": NAME,
            "fingerprint": secrets.token_urlsafe(8),
            "defaultService": self.service("original"),
            "hostRules": [{"hosts": ["*"], "pathMatcher": MATCHER}],
            "pathMatchers": [{"name": MATCHER, "defaultService": self.service("original"), "pathRules": []}],
        }
        self._thread = threading.Thread(target=self._http.serve_forever, args=(POLL_S,), name="fake of a URL map")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def service(self, side: str) -> str:
        """Return the address of a side's backend service."""
        return f"{self.url}{API}/projects/{PROJECT}/global/backendServices/{SERVICES[side]}"

    def weights(self) -> dict[str, int]:
        """Return the weight of each side, as people meet it."""
        (matcher,) = self.kept["pathMatchers"]
        weighted = matcher.get("defaultRouteAction", {}).get("weightedBackendServices")
        found = weighted or [{"backendService": matcher["defaultService"], "weight": 1}]
        names = {service: side for side, service in SERVICES.items()}
        return {names[one["backendService"].rpartition("/")[2]]: int(one["weight"]) for one in found}

    def side(self) -> str:
        """Return which side answers the next request."""
        with self._lock:
            weights = self.weights()
            total, backend = sum(weights.values()), weights.get("backend", 0)
            self._asked += 1
            return "backend" if self._asked * backend // total > (self._asked - 1) * backend // total else "original"

    def answer(self, method: str, path: str, token: str, body: bytes) -> Any:
        """Answer a request of the interface. Raises UrlMapRefusedError."""
        with self._lock:
            self.requests.append(f"{method} {path}")
            if token != self.token:
                raise UrlMapRefusedError(401, "authError", "Request had invalid authentication credentials.")
            where = path.removeprefix(f"{API}/projects/{PROJECT}/global/")
            if where == f"urlMaps/{NAME}":
                return copy.deepcopy(self.kept) if method == "GET" else self._patch(json.loads(body))
            kind, _, name = where.partition("/")
            if kind == "operations" and name in self._operations and method == "GET":
                return self._operation(name)
            raise UrlMapRefusedError(404, "notFound", f"The resource '{where}' was not found")

    def _patch(self, sent: dict[str, Any]) -> dict[str, Any]:
        if sent.get("fingerprint") != self.kept["fingerprint"]:
            raise UrlMapRefusedError(412, "conditionNotMet", "Invalid fingerprint.")
        wanted = _merged(self.kept, {key: value for key, value in sent.items() if key != "fingerprint"})
        for place in (wanted, *wanted["pathMatchers"]):
            self._check(place)
        wanted["fingerprint"] = secrets.token_urlsafe(8)
        name = f"operation-{secrets.token_hex(6)}"
        self._operations[name] = self.slow, wanted
        return {"kind": "compute#operation", "name": name, "status": "PENDING", "operationType": "patch"}

    def _check(self, place: dict[str, Any]) -> None:
        weighted = place.get("defaultRouteAction", {}).get("weightedBackendServices", [])
        if bool(weighted) == ("defaultService" in place):
            said = "Exactly one of default_service and weighted_backend_services must be specified."
            raise UrlMapRefusedError(400, "invalid", f"Invalid value for field 'resource': {said}")
        for one in weighted:
            if not 0 <= int(one["weight"]) <= MOST:
                raise UrlMapRefusedError(400, "invalid", f"Weight {one['weight']} must be between 0 and {MOST}.")
            if one["backendService"] not in {self.service(side) for side in SERVICES}:
                raise UrlMapRefusedError(404, "notFound", f"The resource '{one['backendService']}' was not found")

    def _operation(self, name: str) -> dict[str, Any]:
        left, wanted = self._operations[name]
        self._operations[name] = left - 1, wanted
        if left > 0:
            return {"kind": "compute#operation", "name": name, "status": "RUNNING"}
        self.kept = wanted
        return {"kind": "compute#operation", "name": name, "status": "DONE"}


def _merged(old: Any, new: Any) -> Any:
    """Return what a JSON merge patch (RFC 7396) makes of a value: null takes away, lists are replaced whole."""
    if not isinstance(new, dict):
        return new
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


class _Http(ThreadingHTTPServer):
    map: FakeUrlMap


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def _answer(self) -> None:
        path, fake = urlsplit(self.path).path, self.server.map
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, values, side = 200, None, ""
        if path.startswith(API):
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            try:
                values = fake.answer(self.command, path, token, body)
            except UrlMapRefusedError as refused:
                status = refused.status
                values = {"error": {"code": status, "message": str(refused), "errors": [{"reason": refused.reason}]}}
        else:
            side = fake.side()
        sent = json.dumps(values).encode()
        self.send_response(status)
        if side:
            self.send_header("X-Served-By", side)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_PATCH = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server uses
        """Keep quiet."""

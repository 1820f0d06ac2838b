"""A provider's interface: an HTTP server on loopback, in a thread of this process, with the records that it keeps."""

import copy
import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.providers.faults import ProviderFaults

LOOPBACK = "127.0.0.1"
POLL_S = 0.02  # how soon a stop is noticed
Answered = tuple[str, str, int, tuple[str, ...]]


@dataclass(frozen=True)
class ApiRequest:
    """What a client sent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class ApiAnswer:
    """What is answered."""

    status: int
    body: bytes
    kind: str = "application/json"

    @classmethod
    def of(cls, values: Any, status: int = 200) -> "ApiAnswer":
        """Return an answer in JSON."""
        return cls(status, json.dumps(values).encode())


class ApiRefusedError(Exception):
    """A request that is answered with an error, and changes nothing."""

    def __init__(self, answer: ApiAnswer) -> None:
        super().__init__(answer.body.decode())
        self.answer = answer


class FakeProvider(ABC):
    """Keeps one zone and answers at ``url`` while it is entered.

    ``records`` are in the provider's own form. ``published`` is called after each write with what name servers answer:
    name, type, TTL in seconds and values of each set.
    """

    def __init__(self, zone: str, *, published: Callable[[list[Answered]], None] = lambda _: None) -> None:
        self.zone = zone.rstrip(".")
        self.faults = ProviderFaults()
        self.requests: list[str] = []
        self.records: list[dict[str, Any]] = []
        self._before: list[dict[str, Any]] = []
        self._published = published
        self._lock = threading.Lock()
        self._http = _Http((LOOPBACK, 0), _Handler)
        self._http.provider = self
        self.url = f"http://{LOOPBACK}:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(POLL_S,), name=f"fake of {zone}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def writes(self) -> list[str]:
        """The requests that would change something."""
        return [one for one in self.requests if not one.startswith("GET ") and "/token" not in one]

    def published_now(self) -> None:
        """Tell what name servers answer now, as after a write."""
        self._published(self.answers())

    @abstractmethod
    def answers(self) -> list[Answered]:
        """Return what name servers answer."""

    @abstractmethod
    def answer(self, request: ApiRequest) -> ApiAnswer:
        """Answer a request. Raises ApiRefusedError."""

    @abstractmethod
    def throttled(self) -> ApiAnswer:
        """Return the answer to too many requests."""

    @abstractmethod
    def failed(self) -> ApiAnswer:
        """Return the answer when the provider itself fails."""

    def readable(self) -> list[dict[str, Any]]:
        """Return the records that a read gets: for a while after a write, those from before it."""
        return self._before if self.faults.meets("stale_reads") else self.records

    def handle(self, request: ApiRequest) -> ApiAnswer:
        """Answer a request, with the fault that it meets."""
        with self._lock:
            self.requests.append(f"{request.method} {request.path}")
            try:
                if request.method == "GET" or request.path.endswith("/token"):
                    return self.throttled() if self.faults.meets("throttled_reads") else self.answer(request)
                return self._write(request)
            except ApiRefusedError as refusal:
                return refusal.answer

    def _write(self, request: ApiRequest) -> ApiAnswer:
        spared = self.faults.meets("spared_writes")
        if not spared and self.faults.meets("throttled_writes"):
            return self.throttled()
        if not spared and self.faults.meets("failing_writes"):
            return self.failed()
        before = copy.deepcopy(self.records)
        answer = self.answer(request)
        if not spared and self.faults.meets("lost_writes"):
            self.records = before
            return answer
        self._before = before
        self.published_now()
        return self.failed() if not spared and self.faults.meets("unsaid_writes") else answer


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    provider: FakeProvider


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    wbufsize = -1

    def _answer(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.provider.handle(ApiRequest(self.command, unquote(url.path), query, headers, body))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server uses
        """Keep quiet."""

"""The stand-in over HTTP, on this machine only."""

import gzip
import json
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.search.errors import RefusedError
from sandbox.search.parts import parts_of
from sandbox.search.requests import Requests

LOOPBACK = "127.0.0.1"
POLL_S = 0.05  # how soon a stop is noticed
PRODUCT = ("X-Elastic-Product", "Elasticsearch")
COMPATIBLE = "application/vnd.elasticsearch+json; compatible-with=9"


class SearchServer:
    """Answers at ``url`` from its start until it is closed; everything it holds is in memory."""

    def __init__(self, port: int = 0) -> None:
        self._http = _Http((LOOPBACK, port), _SearchHandler)
        self.url = f"http://{LOOPBACK}:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(POLL_S,), name="search stand-in")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    # Every thread is waited for at the end, after its connection was cut.
    daemon_threads = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.requests = Requests()
        self.lock = threading.Lock()
        self.connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.lock:
            self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self.lock:
            self.connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Cut the connections that clients keep for their next request."""
        with self.lock:
            for connection in self.connections:
                connection.shutdown(socket.SHUT_RDWR)


class _SearchHandler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"
    # Headers and body leave together; apart, the second would wait for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def _answer(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        path, parameters = unquote(url.path), dict(parse_qsl(url.query, keep_blank_values=True))
        wanted = parameters.pop("filter_path", "")
        try:
            with self.server.lock:
                status, answer = self.server.requests.answer(self.command, path, parameters, body)
            if wanted:
                answer = parts_of(answer, [part.split(".") for part in wanted.split(",")])
        except RefusedError as error:
            status, answer = error.status, error.answer()
        self._send(status, answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _answer  # noqa: N815 - the names that http.server calls

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        content = b"" if self.command == "HEAD" else json.dumps(answer).encode()
        asked = self.headers.get("Accept", "")
        self.send_response(HTTPStatus(status))
        self.send_header(*PRODUCT)
        self.send_header("Content-Type", COMPATIBLE if "vnd.elasticsearch" in asked else "application/json")
        if content and "gzip" in self.headers.get("Accept-Encoding", ""):
            content = gzip.compress(content, compresslevel=1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server uses
        """Keep quiet."""

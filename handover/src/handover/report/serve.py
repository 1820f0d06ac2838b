"""The live view: the same page, on this machine alone, for those who have its address."""

import hmac
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOST = "127.0.0.1"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class LiveServer(ThreadingHTTPServer):
    """Serves one page below one random path."""

    daemon_threads = True

    def __init__(self, page: Callable[[str], str], port: int = 0) -> None:
        super().__init__((HOST, port), _LivePage)
        self.token = secrets.token_urlsafe(24)
        self._page, self._one_at_a_time = page, threading.Lock()

    @property
    def url(self) -> str:
        """The address, with the token; it is the key."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names that a browser on this machine calls it by; others come from a page elsewhere."""
        return (f"{HOST}:{self.server_port}", f"localhost:{self.server_port}")

    def page(self, nonce: str) -> bytes:
        """Return the page as it is now."""
        with self._one_at_a_time:
            return self._page(nonce).encode()


class _LivePage(BaseHTTPRequestHandler):
    server: LiveServer
    server_version, sys_version = "handover", ""

    def do_GET(self) -> None:
        if self.headers.get("Host", "") not in self.server.hosts:
            self._answer(HTTPStatus.FORBIDDEN, b"this page is for this machine alone\n")
            return
        path = urlsplit(self.path).path
        if not hmac.compare_digest(path.encode(), f"/{self.server.token}/".encode()):
            self._answer(HTTPStatus.NOT_FOUND, b"there is nothing here\n")
            return
        nonce = secrets.token_urlsafe(16)
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY.format(nonce=nonce)}
        self._answer(HTTPStatus.OK, self.server.page(nonce), headers)

    do_HEAD = do_GET  # noqa: N815 - the standard library's name

    def _answer(self, status: HTTPStatus, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        always = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
        for name, value in {"Content-Type": "text/plain", **always, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Write nothing: the address holds the token."""


@contextmanager
def serving(page: Callable[[str], str], port: int = 0) -> Iterator[LiveServer]:
    """Serve while the block runs; ``page`` gets the nonce of its script."""
    with LiveServer(page, port) as live:
        thread = threading.Thread(target=live.serve_forever, name="live report", daemon=True)
        thread.start()
        try:
            yield live
        finally:
            live.shutdown()
            thread.join()

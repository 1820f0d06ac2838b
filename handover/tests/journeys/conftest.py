"""Two small systems over HTTP, on one set of notes; either may be told to misbehave."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

PICTURES = bytes(range(256))


@dataclass
class Town:
    """What both systems share, and what is wrong with one of them."""

    sessions: set[str] = field(default_factory=set)
    notes: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, set[str]] = field(default_factory=lambda: {"original": set(), "backend": set()})
    seen: list[tuple[str, str, str, dict[str, str], bytes]] = field(default_factory=list)
    urls: dict[Any, str] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    town: Town
    side: str

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.town.seen.append((self.side, self.command, self.path, dict(self.headers), body))
        wrong = self.town.wrong[self.side]
        cookies = dict(part.split("=", 1) for part in self.headers.get("Cookie", "").split("; ") if part)
        known = cookies.get("sessionid") in self.town.sessions and "cookie" not in wrong
        match (self.command, self.path):
            case ("GET", "/form"):
                self.reply(302, headers={"Location": "/form/new"})
            case ("GET", "/form/new"):
                self.reply(200, b'<input value="a&amp;b">', {"Set-Cookie": "csrftoken=t0ken; Path=/"}, "text/html")
            case ("POST", "/login"):
                self.town.sessions.add("s1")
                status = 500 if "status" in wrong else 302
                self.reply(status, headers={"Location": "/", "Set-Cookie": "sessionid=s1; Path=/; HttpOnly"})
            case (_, _) if not known:
                self.reply(401, b'{"error": "who are you?"}')
            case ("POST", "/logout"):
                self.reply(204, headers={"Set-Cookie": "sessionid=; Path=/; Max-Age=0"})
            case ("POST", "/notes"):
                self.town.notes["n 1"] = 0
                answer = {"note": "n 1", "done": False} if "field" not in wrong else {"note": "n 1"}
                self.reply(201, json.dumps(answer).encode(), {"Location": "/notes/n%201"})
            case ("GET", "/notes/n%201") if "n 1" in self.town.notes:
                self.town.notes["n 1"] += "never" not in wrong
                state = "done" if self.town.notes["n 1"] > 2 else "busy"
                self.reply(200, json.dumps({"state": state, "parts": [{"id": 7}]}).encode())
            case ("DELETE", "/notes/n%201"):
                self.town.notes.pop("n 1", None)
                self.reply(204)
            case ("GET", "/pictures"):
                self.pictures(wrong)
            case _:
                self.reply(404, b"no such page", kind="text/plain")

    do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the names that http.server calls

    def pictures(self, wrong: set[str]) -> None:
        kind = "text/html" if "type" in wrong else "video/mp4"
        content = PICTURES[::-1] if "bytes" in wrong else PICTURES
        asked = self.headers.get("Range")
        if asked and "range" not in wrong:
            first, last = map(int, asked.removeprefix("bytes=").split("-"))
            self.reply(206, content[first : last + 1], {"Content-Range": f"bytes {first}-{last}/256"}, kind)
        else:
            self.reply(200, content, {}, kind)

    def reply(
        self, status: int, content: bytes = b"", headers: dict[str, str] | None = None, kind: str = "application/json"
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def town() -> Iterator[Town]:
    """Both systems, answering."""
    town = Town()
    servers = []
    for side in ("original", "backend"):
        handler = type(side, (_Handler,), {"town": town, "side": side})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        town.urls[side] = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
    yield town
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()

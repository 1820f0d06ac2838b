"""Two small systems over HTTP, on one set of notes and files; each can be made to misbehave."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PICTURES = bytes(range(256))
# A flow through the town: see the requests below.
WALK = """
[[flows]]
name = "walk"
cookies = ["sessionid", "csrftoken"]
variables = { user = "walker-{run}" }

[[flows.steps]]
name = "open the form"
path = "/form"
follow = true
save = { odd = 'text:value="([^"]+)"' }

[[flows.steps]]
name = "log in"
method = "POST"
path = "/login"
form = { user = "{user}", odd = "{odd}", password = "{password}" }
status = 302

[[flows.steps]]
name = "write"
method = "POST"
path = "/notes"
json = { by = "{user}", at = 7 }
status = 201
expect = { done = false }
save = { note = "note", address = "header:Location" }

[[flows.steps]]
name = "wait there"
on = "other"
path = "/notes/{note}"
until = { state = "done" }
within_s = 60
every_s = 0.01
expect = { "parts.0.id" = 7 }

[[flows.steps]]
name = "play"
path = "/pictures"
type = "video/mp4"
keep = "pictures"

[[flows.steps]]
name = "seek there"
on = "other"
path = "/pictures"
range = [10, 19]
type = "video/mp4"
same_as = "pictures"

[[flows.steps]]
name = "delete"
method = "DELETE"
path = "{address}"
status = 204
always = true

[[flows.steps]]
name = "miss it there"
on = "other"
path = "{address}"
status = 404
lacks = "busy"
"""
# The same for a system that never comes to an end: only then does its limit pass.
IMPATIENT_WALK = WALK.replace("within_s = 60", "within_s = 0.4")
# What is stored by either, fetched from both.
STREAM = """
[[flows]]
name = "stream"
[[flows.steps]]
name = "store"
store = "videos/stream-{run}.mp4"
save = { base = "base" }
keep = "video"
[[flows.steps]]
name = "fetch a part"
path = "/files/{base}"
range = [5, 104]
type = "video/mp4"
same_as = "video"
[[flows.steps]]
name = "fetch a part there"
on = "other"
path = "/files/{base}"
range = [0, 9]
type = "video/mp4"
same_as = "video"
"""


@dataclass
class Town:
    """The data that both systems share, and the misbehaviour of one of them."""

    sessions: set[str] = field(default_factory=set)
    notes: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, set[str]] = field(default_factory=lambda: {"original": set(), "backend": set()})
    seen: list[tuple[str, str, str, dict[str, str], bytes]] = field(default_factory=list)
    urls: dict[Any, str] = field(default_factory=dict)
    files: Path = Path()
    writes: Callable[[str], object] = lambda _: None
    finds: Callable[[Any], Any] = lambda _: []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave together; apart, the second would wait for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
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
            case ("GET", path) if path.startswith("/files/"):
                file = self.town.files / path.removeprefix("/files/")
                self.pictures(wrong, file.read_bytes()) if file.is_file() else self.reply(404)
            case ("POST", "/search"):
                self.reply(200, json.dumps({"found": self.town.finds(json.loads(body))}).encode())
            case _ if known:
                self.handle_known(wrong, body)
            case _:
                self.reply(401, b'{"error": "who are you?"}')

    do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the names that http.server calls

    def handle_known(self, wrong: set[str], body: bytes) -> None:
        match (self.command, self.path):
            case ("POST", "/logout"):
                self.reply(204, headers={"Set-Cookie": "sessionid=; Path=/; Max-Age=0"})
            case ("POST", "/notes") if "hang up" in wrong:
                self.connection.shutdown(socket.SHUT_RDWR)
            case ("POST", "/notes"):
                if "elsewhere" not in wrong:
                    self.town.writes(json.loads(body)["by"])
                self.town.notes["n 1"] = 0
                answer = {"note": "n 1", "done": False} if "field" not in wrong else {"note": "n 1"}
                place = "http://elsewhere.example" if "strange address" in wrong else ""
                place = self.town.urls[self.side] if "whole address" in wrong else place
                self.reply(201, json.dumps(answer).encode(), {"Location": f"{place}/notes/n%201"})
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

    def pictures(self, wrong: set[str], whole: bytes = PICTURES) -> None:
        kind = "text/html" if "type" in wrong else "video/mp4"
        content = whole[::-1] if "bytes" in wrong else whole
        asked = self.headers.get("Range")
        if asked and "range" not in wrong:
            first, last = map(int, asked.removeprefix("bytes=").split("-"))
            self.reply(206, content[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(content)}"}, kind)
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
        """Log nothing."""


@contextmanager
def town() -> Iterator[Town]:
    """Run both systems."""
    town = Town()
    servers = []
    for side in ("original", "backend"):
        handler = type(side, (_Handler,), {"town": town, "side": side})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        town.urls[side] = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
    try:
        yield town
    finally:
        for server, thread in servers:
            server.shutdown()
            thread.join()
            server.server_close()

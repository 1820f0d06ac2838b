"""Two systems that answer, on the small pair's database, and a watch on them."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest

from handover.config.config import Config, load_config

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Site:
    """A server of one system; ``pages`` holds its answers, and can be changed while it runs."""

    server: ThreadingHTTPServer
    pages: dict[str, Answer | Callable[[], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.asked.append((self.command, self.path, dict(self.headers)))
        page = site.pages.get(self.path, (404, {}, b"not here"))
        status, headers, body = page() if callable(page) else page
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def sites() -> Iterator[dict[str, Site]]:
    """Give a healthy server for each system."""
    with _serving() as original, _serving() as backend:
        yield {"original": original.site, "backend": backend.site}


class _serving:  # noqa: N801 - reads as a verb where it is used
    def __enter__(self) -> "_serving":
        handler = type("Handler", (_Handler,), {})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.site = handler.site = Site(self.server, {"/health": (200, {}, b"healthy")})
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@dataclass
class Watched:
    """Give the small pair with running servers and the tables of a journal."""

    pair: Any
    sites: dict[str, Site]

    def declare(self, text: str) -> None:
        """Append sections to ``handover.toml``."""
        path: Path = self.pair.folder / "handover.toml"
        path.write_text(path.read_text() + "\n" + text + "\n")

    @property
    def url(self) -> str:
        return self.pair.database.url("owner")

    @property
    def config(self) -> Config:
        return load_config(self.pair.folder / "handover.toml")

    def windows(self) -> list[dict[str, Any]]:
        """Return the windows in the tables."""
        names = ("window_start", "window_end", "system", "metric", "value", "verdict", "reason")
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(f"SELECT {', '.join(names)} FROM handover.watch_windows ORDER BY id").fetchall()  # noqa: S608
        return [dict(zip(names, row, strict=True)) for row in rows]

    def verdict(self, system: str, metric: str) -> tuple[str, str]:
        """Return the last verdict on a metric, and its reason."""
        found = [w for w in self.windows() if (w["system"], w["metric"]) == (system, metric)]
        return found[-1]["verdict"], found[-1]["reason"]


@pytest.fixture
def watched(pair, sites, kept) -> Watched:
    path = pair.folder / "handover.toml"
    text = path.read_text()
    for name, site in sites.items():
        text = text.replace(f"[{name}]", f"[{name}]\nbase_url = {json.dumps(site.url)}")
    path.write_text(text)

    def make() -> None:
        for _ in ("made", "left alone"):
            assert pair.handover("init-journal", "--apply").returncode == 0

    kept.restore(pair, "watched", make)
    return Watched(pair, sites)

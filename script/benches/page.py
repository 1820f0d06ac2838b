"""How heavy the first page is, and how soon it is seen, on a slow line: 400 ms and 50 kB/s, in a real Chromium.

The systems run as in production, with a dozen choreographies that were really made. Each page is opened several times
by a browser that has nothing of it yet; the line is the browser's own emulation (Chrome DevTools Protocol,
``Network.emulateNetworkConditions``). Bytes are those on the wire, headers included, from the first request until
nothing has come for two seconds: also what the page fetches later, and what a player takes of its video by itself.
"""

import argparse
import json
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import httpx
from rich.console import Console
from rich.table import Table

from handover_testing import browser
from sandbox import house
from sandbox.fixtures import server_for_this_run
from sandbox.ports import free_port
from sandbox.postgres import Database
from sandbox.systems import Place, Systems, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

TARGETS = {"bytes": "≤ 100,000", "lcp_ms": "≤ 1,500", "shift": "≤ 0.1"}
QUIET_MS = 2_000
LOOK_MS = 100
PATIENCE_MS = 60_000
# By the browser: the last of the paints that were each the largest so far, and how far things jumped.
OBSERVER = """
window.seen_ = { lcp: 0, shift: 0, what: "" };
new PerformanceObserver((list) => {
  for (const paint of list.getEntries()) {
    Object.assign(seen_, { lcp: paint.startTime, what: paint.element?.tagName ?? paint.url });
  }
}).observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => { for (const shift of list.getEntries()) seen_.shift += shift.value; })
  .observe({ type: "layout-shift", buffered: true });
"""


class Wire:
    """What a page receives: by request, as the browser's network says."""

    def __init__(self, session: "CDPSession") -> None:
        self.bytes: dict[str, float] = {}
        self.kinds: dict[str, str] = {}
        self.scripts: dict[str, float] = {}
        self.changes = 0
        session.on("Network.responseReceived", self._begun)
        session.on("Network.dataReceived", self._more)
        session.on("Network.loadingFinished", self._whole)

    def _begun(self, event: dict[str, Any]) -> None:
        self.kinds[event["requestId"]] = event["type"]
        self._count(event["requestId"], event["response"]["encodedDataLength"])

    def _more(self, event: dict[str, Any]) -> None:
        self._count(event["requestId"], self.bytes.get(event["requestId"], 0) + event["encodedDataLength"])
        if self.kinds.get(event["requestId"]) == "Script":
            self.scripts[event["requestId"]] = self.scripts.get(event["requestId"], 0) + event["dataLength"]

    def _whole(self, event: dict[str, Any]) -> None:
        self._count(event["requestId"], max(self.bytes.get(event["requestId"], 0), event["encodedDataLength"]))

    def _count(self, request: str, received: float) -> None:
        self.bytes[request] = received
        self.changes += 1

    def figures(self) -> dict[str, Any]:
        """Return the sums."""
        by_kind: dict[str, float] = {}
        for request, received in self.bytes.items():
            kind = self.kinds.get(request, "Other").lower()
            by_kind[kind] = by_kind.get(kind, 0) + received
        return {
            "bytes": round(sum(self.bytes.values())),
            "requests": len(self.bytes),
            "script_bytes_unpacked": round(sum(self.scripts.values())),
            "by_kind": {kind: round(received) for kind, received in sorted(by_kind.items())},
        }


def main() -> int:
    """Measure; return 2 if there is no browser."""
    parser = argparse.ArgumentParser(prog="script/bench page", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each page, after one to warm up (default %(default)s)")
    parser.add_argument("--latency-ms", type=int, default=400, help="of each request (default %(default)s)")
    parser.add_argument(
        "--kb-per-s", type=int, default=50, help="of the line, in both directions (default %(default)s)"
    )
    parser.add_argument("--choreographies", type=int, default=12, help="in the collection (default %(default)s)")
    parser.add_argument("--plain", action="store_true", help="without collected static files, as in a checkout")
    arguments = parser.parse_args()
    if not browser.is_installed():
        print(browser.MISSING, file=sys.stderr)
        return 2
    with systems(collects=not arguments.plain) as both, chromium() as opened:
        cookies, address = dances(both, arguments.choreographies)
        pages = {
            "login": (f"{both.backend_url}/login", []),
            "collection": (f"{both.backend_url}/collection", cookies),
            "choreography": (address, cookies),
        }
        found = {name: measured(opened, *page, arguments) for name, page in pages.items()}
    worst = {f"worst_{name}": max(page[name] for page in found.values()) for name in ("bytes", "lcp_ms", "shift")}
    show(found, worst)
    print(json.dumps(found | worst))
    return 0


@contextmanager
def systems(*, collects: bool) -> Iterator[Systems]:
    """Both systems and the worker, as in production."""
    with tempfile.TemporaryDirectory() as folder, server_for_this_run() as server:
        house.build_original(server, "original")
        house.build_adopted(server, "compas", "original")
        place = Place(Path(folder), house.moves_library(), collects=collects)
        with running(Database("compas", server), place, port=free_port(), original_port=free_port()) as both:
            yield both


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A browser with its own network."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only there after script/bootstrap --full

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=browser.FLAGS)
        yield opened
        opened.close()


def dances(both: Systems, number: int) -> tuple[list[dict[str, str]], str]:
    """Make so many choreographies of one dancer; return the dancer's cookies and the address of one."""
    both.place.put_song("Noche.mp3", house.demo_song().read_bytes())
    name = f"dancer{secrets.token_hex(4)}"
    with httpx.Client(base_url=both.backend_url, timeout=60) as dancer:
        account = {"username": name, "email": f"{name}@example.org", "display_name": "Ana", "password": "salsa-no"}
        dancer.post("/api/auth/register", json=account).raise_for_status()
        headers = {"X-CSRFToken": dancer.cookies["csrftoken"], "Referer": both.backend_url}
        for seed in range(number):
            wishes = {"song": "Noche.mp3", "difficulty": "intermediate", "seed": seed, "auto_save": True}
            made = dancer.post("/api/choreography/generate", json=wishes, headers=headers).raise_for_status().json()
            while (task := dancer.get(f"/api/choreography/tasks/{made['task_id']}").json())["status"] != "completed":
                if task["status"] == "failed":
                    raise SystemExit(f"bench page: a choreography failed: {task['error']}")
        kept = dancer.get("/api/collections").json()["results"]
        cookies = [{"name": each, "value": value, "url": both.backend_url} for each, value in dancer.cookies.items()]
    return cookies, f"{both.backend_url}/collection/{kept[0]['id']}"


def measured(
    opened: "Browser", address: str, cookies: list[dict[str, str]], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Open a page so often, each time as on a first visit; return the medians."""
    runs = [_visit(opened, address, cookies, arguments) for _ in range(arguments.runs + 1)][1:]
    middle = sorted(runs, key=lambda run: run["lcp_ms"])[len(runs) // 2]
    numbers = {name: median(run[name] for run in runs) for name in ("bytes", "requests", "lcp_ms", "shift")}
    return middle | {name: round(value, 3) for name, value in numbers.items()}


def _visit(
    opened: "Browser", address: str, cookies: list[dict[str, str]], arguments: argparse.Namespace
) -> dict[str, Any]:
    profile = opened.new_context(viewport={"width": 1280, "height": 900})
    profile.add_cookies(cookies)  # type: ignore[arg-type]
    profile.add_init_script(OBSERVER)
    page = profile.new_page()
    session = profile.new_cdp_session(page)
    session.send("Network.enable")
    line = {"downloadThroughput": arguments.kb_per_s * 1000, "uploadThroughput": arguments.kb_per_s * 1000}
    session.send("Network.emulateNetworkConditions", {"offline": False, "latency": arguments.latency_ms, **line})
    wire = Wire(session)
    page.goto(address, wait_until="load", timeout=PATIENCE_MS)
    _until_quiet(page, wire)
    seen = page.evaluate("seen_")
    profile.close()
    return wire.figures() | {"lcp_ms": round(seen["lcp"]), "shift": seen["shift"], "largest": seen["what"]}


def _until_quiet(page: "Page", wire: Wire) -> None:
    quiet_ms = waited_ms = 0
    while quiet_ms < QUIET_MS and waited_ms < PATIENCE_MS:
        before = wire.changes
        page.wait_for_timeout(LOOK_MS)
        waited_ms += LOOK_MS
        quiet_ms = quiet_ms + LOOK_MS if wire.changes == before else 0


def show(found: dict[str, dict[str, Any]], worst: dict[str, float]) -> None:
    """Show the figures to people."""
    shown = Table("page", "bytes", "requests", "LCP", "of what", "shift", "scripts unpacked", "bytes by kind")
    for name, page in found.items():
        kinds = ", ".join(f"{kind} {received:,}" for kind, received in page["by_kind"].items())
        cells = (f"{page['bytes']:,}", str(page["requests"]), f"{page['lcp_ms']:,} ms", page["largest"])
        shown.add_row(name, *cells, f"{page['shift']}", f"{page['script_bytes_unpacked']:,}", kinds)
    Console(stderr=True, width=170).print(shown)
    for name, value in worst.items():
        print(f"{name}: {value:,} (to reach: {TARGETS[name.removeprefix('worst_')]})", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

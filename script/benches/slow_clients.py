"""Do slow clients stop the service? Connections are held, of three kinds, while ``/health`` and a page are asked for.

As production runs without a front, with gunicorn's own threads, and behind nginx where it is installed.
"""

import argparse
import json
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from sandbox import fixtures, house, slow_clients
from sandbox.ports import LOOPBACK, free_port
from sandbox.postgres import Database
from sandbox.systems import Place, SystemProcess, until_healthy

sys.path.insert(0, str(house.ROOT))

from tests import fronts
from tests.people import PASSWORD, Browser
from tests.test_slow_clients import film_of

DATABASE = "bench"
PATHS = ("/health", "/login")
ASKED = 20
GIVE_UP_S = 5.0
HOST = f"Host: {fronts.HOST}".encode()


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench slow-clients", description=__doc__)
    parser.add_argument("--held", type=int, nargs="+", default=[32, 100, 300], help="connections of each kind")
    held = parser.parse_args().held
    with fixtures.server_for_this_run() as server, tempfile.TemporaryDirectory() as place:
        house.build_original(server, DATABASE)
        house.adopt(server, DATABASE)
        house.migrate_backend(server, DATABASE)
        database, folder = Database(DATABASE, server), Path(place)
        figures = [*directly(database, folder, "patient", [], held)]
        figures += directly(database, folder, "gthread", ["--worker-class", "gthread"], held)
        if fronts.program("nginx"):
            figures += behind_nginx(database, folder, held)
    table(figures)
    print(json.dumps({"measured": figures}))


def directly(database: Database, folder: Path, server: str, more: list[str], held: list[int]) -> list[dict[str, Any]]:
    """Measure the backend without a front; ``more`` are options of gunicorn."""
    figures = []
    for count in held:
        with backend(database, folder, more, {}) as (port, media):
            requests = kinds(f"http://{LOOPBACK}:{port}", media)
            with (
                slow_clients.holding(port, *requests, count=count),
                httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=GIVE_UP_S) as client,
            ):
                figures.append({"server": server, "held": 3 * count} | {path: latency(client, path) for path in PATHS})
    return figures


def behind_nginx(database: Database, folder: Path, held: list[int]) -> list[dict[str, Any]]:
    """Measure the same through TLS; all clients have one address here, so its limit is lifted."""
    settings = {"TLS": "shared", "TRUSTED_PROXIES": "1", "X_ACCEL_MEDIA": "/protected-media/"}
    figures = []
    with backend(database, folder, [], settings) as (port, media), ExitStack() as stack:
        place = folder / "nginx"
        place.mkdir()
        front = stack.enter_context(fronts.nginx(place, backend_port=port, media=media, of_one_address=60_000))
        context = ssl.create_default_context(cafile=front.certificate)
        context.check_hostname = False
        requests = kinds(f"https://{LOOPBACK}:{front.port}", media, context)
        for count in held:
            with ExitStack() as connections:
                for request in requests * count:
                    raw = connections.enter_context(slow_clients.connect(front.port, b""))
                    client = connections.enter_context(context.wrap_socket(raw, server_hostname=fronts.HOST))
                    client.sendall(request)
                asking = connections.enter_context(visitor(f"https://{LOOPBACK}:{front.port}", context))
                figures.append({"server": "nginx", "held": 3 * count} | {path: latency(asking, path) for path in PATHS})
    return figures


@contextmanager
def backend(database: Database, folder: Path, more: list[str], settings: dict[str, str]) -> Iterator[tuple[int, Path]]:
    """Start the backend as production does; give its port and the media root."""
    port, place = free_port(), Place(folder, folder / "library")
    (place.media / "songs").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "gunicorn", "--bind", f"{LOOPBACK}:{port}", *more]
    hosts = {"ALLOWED_HOSTS": f"{LOOPBACK},{fronts.HOST}"}
    env = place.environment(database.url("backend_app")) | hosts | settings
    system = SystemProcess("backend", command, env, folder / f"backend-{port}.log", house.ROOT / "backend")
    system.start()
    try:
        until_healthy(f"http://{LOOPBACK}:{port}", [system])
        yield port, place.media
    finally:
        system.stop()


def visitor(url: str, context: ssl.SSLContext | None) -> httpx.Client:
    """Return a client that names the host as browsers would."""

    def name_the_host(request: httpx.Request) -> None:
        request.extensions["sni_hostname"] = fronts.HOST
        request.headers["Referer"] = f"{request.url.scheme}://{fronts.HOST}/"

    return httpx.Client(
        base_url=url,
        verify=context or True,
        headers={"Host": fronts.HOST},
        timeout=GIVE_UP_S,
        event_hooks={"request": [name_the_host]},
    )


def kinds(url: str, media: Path, context: ssl.SSLContext | None = None) -> list[bytes]:
    """Register a user with a long film; return what the three kinds of slow clients send."""
    with visitor(url, context) as client:
        name = f"bench{time.monotonic_ns()}"
        account = {"username": name, "email": f"{name}@example.org", "display_name": "B", "password": PASSWORD}
        client.post("/api/auth/register", json=account).raise_for_status()
        film = film_of(Browser(name, client, client), media)
        cookies = "; ".join(f"{cookie}={value}" for cookie, value in client.cookies.items())
    requests = slow_clients.HALF_A_HEADER, slow_clients.ANNOUNCED_BODY, slow_clients.get(film, Cookie=cookies)
    return [request.replace(b"Host: 127.0.0.1", HOST) for request in requests]


def latency(client: httpx.Client, path: str) -> dict[str, float | None]:
    """Return how long an answer takes, in milliseconds; None where none came."""
    took = []
    for _ in range(ASKED):
        began = time.monotonic()
        try:
            client.get(path)
        except httpx.TransportError:
            return {"median_ms": None, "max_ms": None}
        took.append(1000 * (time.monotonic() - began))
    return {"median_ms": round(statistics.median(took), 1), "max_ms": round(max(took), 1)}


def table(figures: list[dict[str, Any]]) -> None:
    """Show the figures to people."""
    shown = Table(title="slow clients held, a third of each kind: how long others wait", title_justify="left")
    for column in ("server", "held", *(f"{path}, median, max ms" for path in PATHS)):
        shown.add_column(column, justify="right")
    for row in figures:
        shown.add_row(str(row["server"]), str(row["held"]), *(told(row[path]) for path in PATHS))
    Console(stderr=True).print(shown)


def told(waited: dict[str, float | None]) -> str:
    """Return what a cell says."""
    return "no answer" if waited["median_ms"] is None else f"{waited['median_ms']}  {waited['max_ms']}"


if __name__ == "__main__":
    main()

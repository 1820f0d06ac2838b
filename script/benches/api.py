"""The API at size: an open loop of requests at a real server, on a million choreographies and a million tasks.

PostgreSQL, gunicorn with the product's worker, and the original are real; one user's video is made by the real engine.
A request waits from when it was due. `list`, `one`, `poll`, `search`, `create` (a choreography is started) and `keep`
(one is saved) are asked by many users in turns; every other GET address of the OpenAPI document by one who has some of
all. Clients follow tasks at the same time (Server-Sent Events). The queue's worker rests meanwhile: in production it
has machines of its own. `queries` are counted in a process of their own.
"""

import argparse
import asyncio
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from of_api.load import BenchRequest, Connections, Measured, Readers, run
from rich.console import Console
from rich.table import Table

from sandbox import house
from sandbox.fixtures import server_for_this_run
from sandbox.ports import LOOPBACK, free_port
from sandbox.postgres import Database
from sandbox.systems import Place, Systems, running

DJANGO = "import django, runpy, sys; django.setup(); del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
SONG = "short.mp3"
ACTIVE = 250  # users who ask, in turns
# Of 100 requests; what is missing is for all other addresses together, one as often as another.
SHARES = {"list": 25, "one": 15, "poll": 30, "search": 8, "create": 3, "keep": 3}
ORDERS = ("newest", "oldest", "title", "duration")
SESSIONS_OF_A_PROCESS = 60  # of the web server, its threads and all else
COMPARED = 30  # times each page of a comparison is asked for
# Higher than any honest user gets: here a few users do what thousands do.
LIMITS = {
    "USER_WAITING_LIMIT": "1000000",
    "USER_STORED_MB": "1000000000",
    "USER_STREAMS_LIMIT": "1000000",
    "USER_CHOREOGRAPHIES_LIMIT": "1000000",
}
TARGETS = {"worst_p99_ms": "≤ 60", "worst_queries": "≤ 12", "page_10000_times": "≤ 1.5", "wrong_answers": "0"}
HOOK = "https://93.184.215.14/hook"
PATIENCE_S = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench api", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of choreographies, and of tasks (%(default)s)")
    parser.add_argument("--users", type=int, help="default: one for 20 rows")
    parser.add_argument("--rate", type=float, default=150, help="requests in a second (%(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="of the load (%(default)s)")
    parser.add_argument("--readers", type=int, default=1_000, help="open streams of events (%(default)s)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="processes of the web server (one a core: %(default)s)"
    )
    arguments = parser.parse_args()
    os.environ.update(LIMITS, GUNICORN_CMD_ARGS=f"--workers {arguments.workers}")
    library, sessions = house.moves_library(), SESSIONS_OF_A_PROCESS * (arguments.workers + 1)
    with tempfile.TemporaryDirectory() as folder, server_for_this_run(max_connections=str(sessions)) as server:
        house.build_original(server, "original")
        house.build_adopted(server, "compas", "original")
        database, place = Database("compas", server), Place(Path(folder), library)
        (place.media / "songs").mkdir(parents=True)
        place.put_song(SONG, house.demo_song().read_bytes())
        users = arguments.users or max(2, arguments.rows // 20)
        sizes = ["--rows", str(arguments.rows), "--users", str(users), "--active", str(min(ACTIVE, users - 1))]
        filled = told_by("fill", place.environment(database.url("backend_app")), sizes)
        with running(database, place, port=free_port(), original_port=free_port()) as systems:
            figures = measure(systems, filled, arguments)
    figures = {"rows": arguments.rows, "users": users, "workers": arguments.workers} | figures
    show(figures)
    print(json.dumps(figures))


def told_by(part: str, env: dict[str, str], arguments: list[str], sent: str = "") -> Any:
    """Run a part in the backend's settings; return what it prints."""
    program = Path(__file__).parent / "of_api" / f"{part}.py"
    env = env | {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(house.ROOT / "backend")}
    env |= {"ALLOWED_HOSTS": f"testserver,{LOOPBACK}"}
    command = [sys.executable, "-c", DJANGO, str(program), *arguments]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True, input=sent, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(systems: Systems, filled: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """Make what one user has of all, then measure."""
    say("a user who has some of all")
    addresses = Everything(systems).addresses()
    next(system for system in systems.running if system.name == "worker").stop()
    mixed = Mixed(filled["people"], addresses)
    say("counting queries")
    env = systems.environment("backend_app")
    queries = told_by("queries", env, [], json.dumps({name: as_json(one) for name, one in mixed.one_of_each().items()}))
    workers = workers_of(next(system for system in systems.running if system.name == "backend").process.pid)
    return asyncio.run(load(systems, mixed, filled, queries, workers, arguments))


async def load(
    systems: Systems,
    mixed: "Mixed",
    filled: dict[str, Any],
    queries: dict[str, int],
    workers: list[int],
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """Warm up, open the streams, and ask."""
    port = int(urlsplit(systems.backend_url).port or 0)
    say("warming up")
    await mixed.first_looks(LOOPBACK, port)
    await run(LOOPBACK, port, mixed.requests(), rate=min(50.0, arguments.rate), seconds=min(10.0, arguments.seconds))
    say("pages of the largest collection")
    pages = await compared_pages(LOOPBACK, port, filled["large"])
    say("opening streams")
    before_kb, readers = rss_kb(workers), Readers()
    await readers.open(LOOPBACK, port, await mixed.followed(LOOPBACK, port, arguments.readers))
    each_kb = (rss_kb(workers) - before_kb) / max(1, arguments.readers)
    say(f"{arguments.rate:.0f} requests a second for {arguments.seconds:.0f} s")
    cpu, began = cpu_s(workers), time.perf_counter()
    measured = await run(LOOPBACK, port, mixed.requests(), rate=arguments.rate, seconds=arguments.seconds)
    took_s = time.perf_counter() - began
    still_open = readers.still_open()
    readers.close()
    for wrong in measured.wrong[:10]:
        say(wrong)
    return {
        "rps": round(sum(map(len, measured.took_ms.values())) / took_s, 1),
        "worst_p99_ms": max(percentile(times, 99) for times in measured.took_ms.values()),
        "worst_queries": max(queries.values()),
        "wrong_answers": len(measured.wrong),
        **all_of(measured),
        "page_10000_times": max(page["times"] for page in pages.values()),
        "sse_readers": still_open,
        "sse_reader_kb": round(each_kb, 1),
        "workers_cpu": round((cpu_s(workers) - cpu) / took_s, 2),
        "client_late_ms": round(measured.late_ms, 1),
        "sweep_s": filled["sweep_s"],
        "pages": pages,
        "routes": routes(measured, queries, took_s),
    }


def all_of(measured: Measured) -> dict[str, float]:
    """Return how long all requests of the load took, whatever they asked for."""
    times = [took for of_route in measured.took_ms.values() for took in of_route]
    return {f"all_p{q}_ms": percentile(times, q) for q in (50, 95, 99)}


def routes(measured: Measured, queries: dict[str, int], took_s: float) -> dict[str, dict[str, Any]]:
    """Return the figures of each route."""
    return {
        route: {
            "rps": round(len(times) / took_s, 2),
            "p50_ms": percentile(times, 50),
            "p95_ms": percentile(times, 95),
            "p99_ms": percentile(times, 99),
            "queries": queries[route],
            "statuses": measured.statuses[route],
        }
        for route, times in sorted(measured.took_ms.items())
    }


class Everything:
    """A user who has something at every address, made by the API itself."""

    def __init__(self, systems: Systems) -> None:
        self.client = httpx.Client(base_url=systems.backend_url, timeout=PATIENCE_S)
        self.call("POST", "auth/register", {"username": "ana", "email": "ana@example.com"} | NEW_ACCOUNT)
        scopes = [
            "read",
            "songs:write",
            "choreographies:write",
            "sharing:write",
            "webhooks:write",
            "account:write",
        ]
        self.token = self.call("POST", "auth/tokens", {"name": "bench", "scopes": scopes})["token"]

    def call(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        """Ask the API; return its answer."""
        headers = {"X-CSRFToken": self.client.cookies.get("csrftoken", ""), "Referer": str(self.client.base_url)}
        answer = self.client.request(method, f"/api/{path}", json=body, headers=headers, **more)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def addresses(self) -> dict[str, BenchRequest]:
        """Return a request for each GET address of the document that is not asked for by many users."""
        ids = self.parameters()
        found = {}
        for path, methods in (
            self.client.get("/api/schema", headers={"Accept": "application/json"}).json()["paths"].items()
        ):
            operation = methods.get("get")
            if operation is None or operation["operationId"] in {"follow_task"}:
                continue
            name = operation["operationId"]
            kind = "shared" if "/shared/" in path else "choreography" if "{choreography_id}" in path else "task"
            filled = re.sub(r"\{(\w+)\}", lambda part: quote(str(ids[part[1]]), safe=""), path)
            if path.endswith("/linked"):
                filled = ids[f"linked {kind}"]
            found[name] = BenchRequest(name, "GET", filled, self.headers(operation, path))
        for path in ("health", "ready", "schema"):
            found[path] = BenchRequest(path, "GET", f"/api/{path}", {"Accept": "application/json"})
        found["ready"].refused = 503  # no worker of the queue reports meanwhile
        return found

    def headers(self, operation: dict[str, Any], path: str) -> dict[str, str]:
        """Return how the user is let in there; of a video the first part is asked for."""
        kinds = {name for one in operation.get("security", []) for name in one}
        headers = {"Range": "bytes=0-65535"} if "/video" in path else {}
        if kinds == {"cookieAuth"}:
            return headers | {"Cookie": f"sessionid={self.client.cookies['sessionid']}"}
        return headers | ({"Authorization": f"Bearer {self.token}"} if kinds else {})

    def parameters(self) -> dict[str, Any]:
        """Make one of each thing; return what stands in addresses."""
        task = self.call("POST", "choreography/generate", {"song": SONG, "difficulty": "beginner", "seed": 1})[
            "task_id"
        ]
        until = time.monotonic() + PATIENCE_S
        while (state := self.call("GET", f"choreography/tasks/{task}"))["status"] != "completed":
            if state["status"] == "failed" or time.monotonic() > until:
                raise SystemExit(f"bench api: the task is {state['status']}: {state['error']}")
            time.sleep(0.2)
        kept = self.call("GET", "collections")["results"][0]["id"]
        self.call("PATCH", f"collections/{kept}", {"tags": ["noche"], "category": "Clase"})
        self.call("PATCH", f"collections/{kept}/share", {"visibility": "public"})
        link = self.call("POST", f"collections/{kept}/share/link")["link"]
        self.call("PUT", f"favourites/{kept}")
        self.call("PUT", f"public/{kept}/like")
        hook = self.call("POST", "webhooks", {"url": HOOK})
        return {
            "task_id": task,
            "choreography_id": kept,
            "link": link.rstrip("/").rsplit("/", 1)[-1],
            "webhook_id": hook["id"],
            "song_id": SONG,
            "clip_id": self.call("GET", "moves")["results"][0]["clip_id"],
            "linked task": linked(self.call("POST", f"choreography/tasks/{task}/video/link")),
            "linked choreography": linked(self.call("POST", f"collections/{kept}/video/link")),
        }


NEW_ACCOUNT = {"display_name": "Ana", "password": "bailamos juntos"}


def linked(answer: dict[str, Any]) -> str:
    """Return path and query of a signed link."""
    parts = urlsplit(str(answer["url"]))
    return f"{parts.path}?{parts.query}"


class Mixed:
    """Requests as many users send them, in one order each time."""

    def __init__(self, people: list[dict[str, Any]], addresses: dict[str, BenchRequest]) -> None:
        # What many users ask for is asked by them.
        others = {"list_choreographies", "get_choreography", "get_task"}
        self.people, self.addresses = people, [one for name, one in addresses.items() if name not in others]
        self.rng, self.seeds = random.Random(1), count(1)  # noqa: S311 - the same order each time
        self.tags: dict[str, str] = {}
        self.waiting: list[tuple[str, str]] = []  # token and task

    def requests(self) -> Iterator[BenchRequest]:
        """Yield requests for ever."""
        kinds, weights = [*SHARES, "other"], [*SHARES.values(), 100 - sum(SHARES.values())]
        while True:
            yield self.request(self.rng.choices(kinds, weights)[0])

    def one_of_each(self) -> dict[str, BenchRequest]:
        """Return one request of each route."""
        found = {kind: self.request(kind) for kind in SHARES if kind != "poll"}
        person = self.people[0]
        found["poll"] = self.get("poll", person, f"/api/choreography/tasks/{person['tasks'][0]}")
        found["get_task"] = self.get("get_task", person, f"/api/choreography/tasks/{person['tasks'][0]}")
        return found | {one.route: one for one in self.addresses}

    def request(self, kind: str) -> BenchRequest:
        """Return the next request of a kind."""
        person = self.rng.choice(self.people)
        if kind == "other":
            return self.rng.choice(self.addresses)
        if kind == "poll":
            return self.poll(person)
        if kind == "create":
            return self.post(kind, person, "choreography/generate", {"song": SONG, "difficulty": "beginner"})
        if kind == "keep":
            return self.post(kind, person, "collections", {"task_id": self.rng.choice(person["tasks"])})
        path = {
            "list": f"?sort={self.rng.choice(ORDERS)}",
            "one": f"/{self.rng.choice(person['choreographies'])}",
            "search": f"?q={quote(self.rng.choice(person['words']))}",
        }[kind]
        return self.get(kind, person, f"/api/collections{path}")

    def get(self, route: str, person: dict[str, Any], path: str) -> BenchRequest:
        return BenchRequest(route, "GET", path, {"Authorization": f"Bearer {person['token']}"})

    def post(self, route: str, person: dict[str, Any], path: str, body: dict[str, Any]) -> BenchRequest:
        headers = {"Authorization": f"Bearer {person['token']}"}
        request = BenchRequest(route, "POST", f"/api/{path}", headers, json.dumps(body).encode())
        if route == "create":
            request.then = lambda status, _, answer: self.started(person["token"], status, answer)
        return request

    def started(self, token: str, status: int, answer: bytes) -> None:
        """Remember a task that waits."""
        if status == 202:  # noqa: PLR2004 - accepted
            self.waiting.append((token, json.loads(answer)["task_id"]))

    def poll(self, person: dict[str, Any]) -> BenchRequest:
        """Ask for a task as a client that has asked before: half of them wait, half are over."""
        token, task = person["token"], person["tasks"][0]
        if self.waiting and self.rng.random() < 0.5:  # noqa: PLR2004 - half
            token, task = self.rng.choice(self.waiting)
        return self.look(token, task)

    def look(self, token: str, task: str) -> BenchRequest:
        """Ask for a task; from the second time on only whether it has changed."""
        route = "poll" if task in self.tags else "get_task"
        request = self.get(route, {"token": token}, f"/api/choreography/tasks/{task}")
        if task in self.tags:
            request.headers["If-None-Match"] = self.tags[task]
        request.then = lambda _, headers, __: self.tags.update({task: headers.get("etag", "")})
        return request

    async def first_looks(self, address: str, port: int) -> None:
        """Ask once for each task that is polled."""
        connections = Connections(address, port)
        for person in self.people:
            request = self.look(person["token"], person["tasks"][0])
            request.then(*await connections.ask(request))
        await connections.close()

    async def followed(self, address: str, port: int, number: int) -> list[BenchRequest]:
        """Return requests for streams of tasks that wait, starting as many as are missing."""
        connections = Connections(address, port)
        while len(self.waiting) < number:
            request = self.request("create")
            request.then(*await connections.ask(request))
        await connections.close()
        return [
            self.get("events", {"token": token}, f"/api/choreography/tasks/{task}/events")
            for token, task in self.waiting[:number]
        ]


async def compared_pages(address: str, port: int, large: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Time page 1 and page 10,000 of each list of the user who has most, in turns."""
    connections, found = Connections(address, port), {}
    for path, cursor in large["cursors"].items():
        deep = f"{path}{'&' if '?' in path else '?'}cursor={quote(cursor, safe='')}"
        times = [
            (await timed(connections, large, path), await timed(connections, large, deep)) for _ in range(COMPARED)
        ]
        first_ms, deep_ms = (statistics.median(side) for side in zip(*times, strict=True))
        name = path.removeprefix("/api/").replace("?sort=", " ")
        found[name] = {
            "page_1_ms": round(first_ms, 1),
            "page_10000_ms": round(deep_ms, 1),
            "times": round(deep_ms / first_ms, 2),
        }
    await connections.close()
    return found


async def timed(connections: Connections, large: dict[str, Any], path: str) -> float:
    """Return how many milliseconds a page takes."""
    began = time.perf_counter()
    request = BenchRequest("page", "GET", path, {"Authorization": f"Bearer {large['token']}"})
    status, _, body = await connections.ask(request)
    if status != 200 or not json.loads(body)["results"]:  # noqa: PLR2004 - OK
        raise SystemExit(f"bench api: {path} answers {status}: {body[:300]!r}")
    return (time.perf_counter() - began) * 1000


def as_json(request: BenchRequest) -> dict[str, Any]:
    """Return a request for another process."""
    return {
        "method": request.method,
        "path": request.path,
        "headers": request.headers,
        "body": request.body.decode(),
        "refused": request.refused,
    }


def percentile(times: list[float], q: int) -> float:
    """Return the smallest time that so many percent do not exceed."""
    return round(sorted(times)[math.ceil(len(times) * q / 100) - 1], 1)


def workers_of(master: int) -> list[int]:
    """Return the processes of gunicorn that answer: those that its master has started."""
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def rss_kb(pids: list[int]) -> int:
    """Return how much memory processes hold."""
    held = [re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in pids]
    return sum(int(found[1]) for found in held if found)


def cpu_s(pids: list[int]) -> float:
    """Return how long processes have been on processors."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split() for pid in pids]
    return sum(int(of_one[11]) + int(of_one[12]) for of_one in fields) / os.sysconf("SC_CLK_TCK")


def show(figures: dict[str, Any]) -> None:
    """Show the figures to people."""
    console = Console(stderr=True)
    shown = Table("what", "measured", "to reach", title="the API at size", title_justify="left")
    for name, value in figures.items():
        if not isinstance(value, dict):
            shown.add_row(name.replace("_", " "), f"{value:,}", TARGETS.get(name, ""))
    console.print(shown)
    of_routes = Table("route", "rps", "p50 ms", "p95 ms", "p99 ms", "queries", "statuses")
    for name, row in figures["routes"].items():
        of_routes.add_row(name, *(str(value) for value in row.values()))
    console.print(of_routes)
    of_pages = Table("list of the largest", "page 1, ms", "page 10,000, ms", "times")
    for name, row in figures["pages"].items():
        of_pages.add_row(name, *(str(value) for value in row.values()))
    console.print(of_pages)


def say(text: str) -> None:
    """Tell people how far it is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""Each thing that the backend depends on, in trouble: the API says so in time, goes on by itself, and loses nothing.

The database, the bucket and the search lie behind proxies that make the faults; the servers behind them are well.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex
from bachateo.moves.index.local import LocalMoveIndex
from sandbox import template
from sandbox.fault_proxy import DOWN, FLAPPING, GARBAGE, SLOW, WELL, Fault, FaultProxy
from sandbox.ports import free_port
from sandbox.search import SearchServer
from sandbox.systems import Place, Systems, running
from tests.conftest import browser, registered
from tests.people import Browser
from tests.test_every_address import VIDEO_FIELDS

FILM = bytes(range(256)) * 4096
SONG = "Noche.mp3"
PROBLEM = "application/problem+json"
TIMES = {"DATABASE_SILENCE_S": "3", "ELASTICSEARCH_BUDGET_S": "3", "JOB_SWEEP_S": "0.5", "JOB_LEASE_S": "6"}
READY_S = 60
TRIES = 4  # enough for each second connection


def _http(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nX-Elastic-Product: Elasticsearch\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


def _postgres(code: str, message: str) -> bytes:
    fields = b"".join(part.encode() + b"\0" for part in ("SFATAL", "VFATAL", f"C{code}", f"M{message}")) + b"\0"
    return b"E" + (len(fields) + 4).to_bytes(4) + fields


# What each says when it has no room for more.
FULL = {
    "database": Fault(answers=_postgres("53300", "sorry, too many clients already")),
    "storage": Fault(answers=_http("429 Too Many Requests", '{"error": {"code": 429, "message": "no room"}}')),
    "search": Fault(
        answers=_http(
            "429 Too Many Requests",
            '{"error": {"type": "es_rejected_execution_exception", "reason": "no room"}, "status": 429}',
        )
    ),
}
FAULTS = {"down": DOWN, "slow": SLOW, "flapping": FLAPPING, "garbage": GARBAGE}
# Of these the fault may pass within the time that a request has.
MAY_PASS = {"slow", "flapping"}
SHORT = {("database", "down"), ("storage", "garbage")}


@dataclass(frozen=True)
class Behind(Place):
    """A place whose systems reach everything through the proxies."""

    proxies: tuple[tuple[str, FaultProxy], ...] = ()

    def environment(self, database_url: str) -> dict[str, str]:
        at = {name: f"127.0.0.1:{proxy.port}" for name, proxy in self.proxies}
        parts = urlsplit(database_url)
        account = parts.netloc.rpartition("@")[0]
        through = urlunsplit(parts._replace(netloc=f"{account}@{at['database']}", query="connect_timeout=3"))
        addresses = {"GS_API_ENDPOINT": f"http://{at['storage']}", "ELASTICSEARCH_URL": f"http://{at['search']}"}
        return super().environment(through) | TIMES | addresses


@dataclass(frozen=True)
class House:
    """The systems, the proxies between, and a dancer with a film that was kept."""

    systems: Systems
    proxies: dict[str, FaultProxy]
    dancer: Browser
    film: str

    def get(self, path: str) -> httpx.Response:
        return self.dancer.backend.get(path)

    def start(self) -> str:
        """Start a generation; return its task."""
        wishes = {"song": SONG, "difficulty": "beginner", "auto_save": True}
        answer = self.dancer.post(self.dancer.backend, "/api/choreography/generate", json=wishes)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["task_id"])

    def keep_worker(self) -> None:
        """Do what a supervisor does: start the worker again when it has ended."""
        for system in self.systems.running:
            if system.name == "worker" and system.process.poll() is not None:
                system.start()

    def until_ended(self, task: str) -> dict[str, Any]:
        while True:
            self.keep_worker()
            answer = self.get(f"/api/choreography/tasks/{task}")
            assert answer.status_code == 200, answer.text
            if (found := answer.json())["status"] in {"completed", "failed"}:
                return dict(found)

    def until_ready(self) -> None:
        """Wait until it says so: a worker that the outages before have ended reports again when it has started."""
        deadline = time.monotonic() + READY_S
        while (answer := self.get("/api/ready")).status_code != 200:
            assert time.monotonic() < deadline, answer.text
            self.keep_worker()


@pytest.fixture(scope="module")
def house(postgres, adopted_template, moves_library, tmp_path_factory, bucket_server, demo_song) -> Iterator[House]:
    bucket = bucket_server.create_bucket()
    bucket.put(f"songs/{SONG}", demo_song.read_bytes())
    with SearchServer() as search, template.clone(postgres, adopted_template) as database:
        index, local = ElasticsearchMoveIndex(search.url), LocalMoveIndex.of_library(moves_library)
        index.add(local._document(row) for row in range(local.count()))
        index.close()
        ports = {"database": postgres.port, "storage": bucket_server.port, "search": urlsplit(search.url).port}
        with (
            FaultProxy("127.0.0.1", ports["database"]) as one,
            FaultProxy("127.0.0.1", ports["storage"]) as two,
            FaultProxy("127.0.0.1", ports["search"]) as three,
        ):
            proxies = dict(zip(ports, (one, two, three), strict=True))
            place = Behind(tmp_path_factory.mktemp("outages"), moves_library, bucket, proxies=tuple(proxies.items()))
            with (
                running(database, place, port=free_port(), original_port=free_port()) as systems,
                browser(systems) as visitor,
            ):
                dancer = registered(visitor)
                yield House(systems, proxies, dancer, _kept_film(systems, dancer))


def _kept_film(systems: Systems, dancer: Browser) -> str:
    """Keep a film; return its address."""
    user_id = dancer.backend.get("/api/auth/me").json()["id"]
    name = f"output/user_{user_id}/kept.mp4"
    assert systems.place.bucket
    systems.place.bucket.put(f"media/{name}", FILM)
    dancer.backend.get("/login")
    saved = dancer.post(dancer.backend, "/collections/save/", data=VIDEO_FIELDS | {"video_path": name})
    return f"/api/collections/{saved.json()['choreography_id']}/video"


@pytest.fixture
def broken(house: House) -> Iterator[Callable[[str, str], None]]:
    """Break a dependency; it is well again afterwards."""
    yield lambda name, fault: house.proxies[name].set(FULL[name] if fault == "full" else FAULTS[fault])
    for proxy in house.proxies.values():
        proxy.set(WELL)


def cases(name: str) -> list[Any]:
    """Return the faults of a dependency, the quick ones for every run."""
    return [
        pytest.param(fault, marks=[] if (name, fault) in SHORT else [pytest.mark.full]) for fault in (*FAULTS, "full")
    ]


def assert_told(answer: httpx.Response, word: str) -> None:
    """The answer is a problem that names the dependency, and no address."""
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM), answer.text
    assert word in answer.json()["detail"], answer.text
    assert "127.0.0.1" not in answer.text


def assert_told_or_right(house: House, path: str, word: str, fault: str) -> None:
    """Every answer tells of the dependency; where the fault may pass, it may be the right one."""
    for _ in range(TRIES if fault == "flapping" else 1):
        answer = house.get(path)
        if fault not in MAY_PASS or answer.status_code != 200:
            assert_told(answer, word)


def assert_all_is_there(house: House) -> None:
    """Nothing was started again, and everything that was kept is there."""
    assert [one["title"] for one in house.get("/api/collections").json()["results"]].count("Luna") == 1
    assert house.get(house.film).content == FILM


@pytest.mark.parametrize("fault", cases("database"))
def test_database_in_trouble__is_told_and_comes_back(house: House, broken, fault):
    server = next(one.process.pid for one in house.systems.running if one.name == "backend")
    broken("database", fault)
    assert_told_or_right(house, "/api/collections", "database", fault)
    # Each of its checks has a session of its own: of a database that flaps, any of them may be lost.
    assert_told_or_right(house, "/api/ready", "Not ready" if fault == "flapping" else "database", fault)
    assert house.get("/api/health").status_code == 200

    house.proxies["database"].set(WELL)
    # Sessions that were open before are found useless by one request each.
    for _ in range(TRIES):
        house.get("/api/collections")
    assert_all_is_there(house)
    os.kill(server, 0)


@pytest.mark.parametrize("fault", cases("storage"))
def test_storage_in_trouble__is_told_and_comes_back(house: House, broken, fault, demo_song):
    broken("storage", fault)
    assert_told_or_right(house, house.film, "storage of songs and videos", fault)
    song = {"file": (f"{fault}.mp3", demo_song.read_bytes() + fault.encode(), "audio/mpeg")}
    answer = house.dancer.post(house.dancer.backend, "/api/songs", files=song)
    if fault not in MAY_PASS or answer.status_code not in {200, 201}:
        assert_told(answer, "storage of songs and videos")
    assert house.get("/api/collections").status_code == 200
    if fault not in MAY_PASS:
        assert_told(house.get("/api/ready"), "media")

    house.proxies["storage"].set(WELL)
    assert_all_is_there(house)
    again = house.dancer.post(house.dancer.backend, "/api/songs", files=song)
    assert again.status_code in {200, 201}, again.text
    names = [one["title"] for one in house.get("/api/songs").json()["results"]]
    assert names.count(fault) == 1, "a song that was refused is there, or one that was taken is there twice"


@pytest.mark.parametrize("fault", cases("search"))
def test_search_in_trouble__task_says_so_and_the_next_is_made(house: House, broken, fault):
    broken("search", fault)
    task = house.until_ended(house.start())
    if fault not in MAY_PASS or task["status"] == "failed":
        assert (task["status"], task["error"]) == (
            "failed",
            "The search for moves does not answer as it should. Please try again later.",
        )
    if fault not in MAY_PASS:
        assert_told(house.get("/api/ready"), "search")
    assert house.get("/api/collections").status_code == 200

    house.proxies["search"].set(WELL)
    assert house.until_ended(house.start())["status"] == "completed"
    assert_all_is_there(house)


@pytest.mark.full
@pytest.mark.parametrize("name", ["database", "storage"])
@pytest.mark.parametrize("fault", ["down", "garbage", "full"])
def test_trouble_while_a_dance_is_made__it_ends_once_and_is_not_lost(house: House, broken, name, fault):
    task = house.start()
    broken(name, fault)
    if name == "storage":
        ended = house.until_ended(task)
        told = "The storage of songs and videos does not answer. Please try again later."
        assert ended["status"] == "completed" or ended["error"] == told
    house.proxies[name].set(WELL)
    for _ in range(TRIES):
        house.get("/api/collections")
    ended = house.until_ended(task)
    assert ended["status"] == "completed" or (name, ended["status"]) == ("storage", "failed"), ended
    assert house.until_ended(house.start())["status"] == "completed"
    assert_all_is_there(house)


def test_well__no_answer_tells_of_trouble(house: House):
    """The control: without a fault there is none."""
    house.until_ready()
    assert_all_is_there(house)
    with pytest.raises(AssertionError):
        assert_told(house.get("/api/collections"), "database")

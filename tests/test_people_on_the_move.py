"""A small crowd on both systems: whoever is failed, logged out or waits in vain is counted."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sandbox import template
from sandbox.clients.diary import TaskSeen, Visit
from sandbox.clients.figures import RecordMove, cost, is_lost, tasks
from sandbox.clients.process import CrowdProcess
from sandbox.clients.settings import CrowdSettings
from sandbox.dns.nameserver import NameServer
from sandbox.ports import free_port
from sandbox.systems import ADDRESSES, Place, Systems, on_one_port

HOST, SONG, TTL_S = "www.crowd.test", "Noche.mp3", 1
BROKEN = "127.0.0.4"
WITHIN_S = 90
pytestmark = pytest.mark.allow_hosts(["127.0.0.1", BROKEN, *ADDRESSES.values()])


@dataclass
class House:
    """Both systems at one address each, and the record that decides between them."""

    systems: Systems
    name_server: NameServer
    port: int

    def point_at(self, address: str) -> None:
        update = self.name_server.new_update()
        update.replace("www", TTL_S, "A", address)
        self.name_server.send(update)

    def superuser(self, statement: str) -> None:
        with self.systems.database.server.connect(self.systems.database.name) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def crowd(self, diary: Path, **settings: Any) -> Iterator[CrowdProcess]:
        systems = {address: system for system, address in ADDRESSES.items()} | {BROKEN: "broken"}
        server = (self.name_server.host, self.name_server.port)
        usual = {"people": 3, "pause_s": (2.1, 2.4), "make_every_s": 600, "relogin_share": 0.0}
        made = CrowdSettings(f"http://{HOST}:{self.port}", server, systems, (SONG,), **usual | settings)
        with CrowdProcess(made, diary) as crowd:
            yield crowd


@pytest.fixture(scope="module")
def house(postgres, adopted_template, moves_library, demo_song, tmp_path_factory) -> Iterator[House]:
    place = Place(tmp_path_factory.mktemp("house"), moves_library, host=HOST)
    port = free_port(*ADDRESSES.values(), BROKEN)
    with (
        template.clone(postgres, adopted_template) as database,
        on_one_port(database, place, port=port) as systems,
        NameServer("crowd.test.", "") as name_server,
    ):
        place.put_song(SONG, demo_song.read_bytes())
        yield House(systems, name_server, port)


@pytest.fixture(autouse=True)
def on_the_original(house: House) -> None:
    house.point_at(ADDRESSES["original"])


def wait_for(crowd: CrowdProcess, what: Any) -> float:
    """Look at the diary until something has happened; return when that was seen."""
    deadline = time.monotonic() + WITHIN_S
    while not what(crowd.entries()):
        assert time.monotonic() < deadline, crowd.entries()[-3:]
        time.sleep(0.2)
    return time.time()


def served_by(system: str, *, people: int, after: float) -> Any:
    def everybody(entries: list[Any]) -> bool:
        there = {e.person for e in entries if isinstance(e, Visit) and e.by == system and e.at > after}
        return len(there) == people

    return everybody


class _Broken(BaseHTTPRequestHandler):
    def answer(self) -> None:
        self.send_response(500)
        self.end_headers()

    do_GET = do_POST = do_HEAD = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.full
def test_record_moves_to_a_system_that_answers_500__that_is_counted(house: House, tmp_path: Path) -> None:
    with (
        ThreadingHTTPServer((BROKEN, house.port), _Broken) as broken,
        house.crowd(tmp_path / "diary.jsonl", seed=2, people=2) as crowd,
    ):
        threading.Thread(target=broken.serve_forever, args=(0.01,), daemon=True).start()
        moved = time.time()
        house.point_at(BROKEN)
        until = wait_for(crowd, served_by("broken", people=2, after=moved))
        house.point_at(ADDRESSES["original"])
        seen = cost(crowd.entries(), RecordMove("original", "broken", moved, moved, until, TTL_S))
        broken.shutdown()
    assert seen.failed >= 2
    failed = {e.failed for e in crowd.entries() if isinstance(e, Visit) and e.by == "broken"}
    assert any(reason.startswith("500 instead of") for reason in failed)


def test_session_and_task_are_lost__both_are_counted(house: House, tmp_path: Path) -> None:
    (worker,) = [system.process.pid for system in house.systems.running if system.name == "worker"]
    began = time.time()
    house.point_at(ADDRESSES["backend"])
    os.kill(worker, signal.SIGSTOP)
    try:
        with house.crowd(tmp_path / "diary.jsonl", seed=3, people=2, task_within_s=0.5) as crowd:
            assert crowd.make(SONG) == 1
            wait_for(crowd, lambda entries: any(isinstance(e, TaskSeen) for e in entries))
            house.superuser("DELETE FROM django_session")
            until = wait_for(crowd, lambda entries: any(isinstance(e, Visit) and e.session_lost for e in entries))
            crowd.stop()
            entries = crowd.entries()
    finally:
        os.kill(worker, signal.SIGCONT)
    seen = cost(entries, RecordMove("original", "backend", began, began, until, TTL_S))
    assert seen.sessions_lost >= 1
    assert "logged out" in {e.failed for e in entries if isinstance(e, Visit)}
    (task,) = tasks(entries)
    assert is_lost(task)
    assert seen.tasks_lost == 1

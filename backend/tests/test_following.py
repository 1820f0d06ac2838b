"""Events of a task: a stream that holds a connection and no thread, and ends when it should."""

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from django.test import Client

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.following import watch as watching
from apps.following.events import versions_of
from apps.following.permits import Permit
from apps.following.watch import Follower, Watch
from apps.tokens.models import PersonalToken
from apps.tokens.services import issue_token
from config.errors import StreamsError
from sandbox import house, process
from sandbox.ports import LOOPBACK, free_port
from sandbox.slow_clients import connect, get, read_to_end
from tests.conftest import make_user
from tests.test_access import TASK, browser_of
from tests.test_access import house as house_of_ana
from tests.test_serving import Running, until

__all__ = ["house_of_ana"]

READERS = 400
EVENTS = "/api/choreography/tasks/t/events"


@dataclass
class Heard:
    """Stands in for the server's side of a connection."""

    said: list[bytes] = field(default_factory=list)
    ended: bool = False

    def send(self, data: bytes) -> None:
        self.said.append(data)

    def end(self) -> None:
        self.ended = True


@pytest.fixture
def task(ana: User) -> ChoreographyTask:
    return ChoreographyTask.objects.create(task_id="t", user=ana, status=ChoreographyTask.Status.RUNNING)


def joined(watch: Watch, user: User, permit: Permit | None = None) -> tuple[Follower, Heard]:
    permit = permit or Permit(user.pk, user.password, session_key=session_of(user))
    follower = Follower(user, "t", permit, versions_of({"t"})["t"], told="", line=0)
    follower.outlet = heard = Heard()  # type: ignore[assignment]  # as the worker's
    watch.join(follower)
    return follower, heard


def session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


@pytest.fixture
def watch(monkeypatch) -> Watch:
    """A watch whose turns the test takes itself."""
    made = Watch()
    monkeypatch.setattr(made, "_run", lambda: None)
    monkeypatch.setattr(watching, "watch", made)
    return made


def turn(watch: Watch) -> None:
    watch.asked_permits_s = -1e9
    watch.turn([one for one in watch.followers if one.outlet])


def test_turn__tells_what_changed_once_and_ends_with_the_task(ana, task, watch):
    _, heard = joined(watch, ana)
    turn(watch)
    assert heard.said == [], "nothing has changed"
    ChoreographyTask.objects.update(progress=40, updated_at=Now())
    turn(watch)
    turn(watch)
    (event,) = heard.said
    assert re.fullmatch(rb'id: [0-9a-f]{24}\nevent: task\ndata: \{"task_id":"t".*"progress":40.*\}\n\n', event)
    ChoreographyTask.objects.update(status=ChoreographyTask.Status.COMPLETED, updated_at=Now())
    turn(watch)
    assert heard.said[-1].endswith(b"\n\nevent: end\ndata: {}\n\n")
    assert heard.ended
    assert not watch.followers


def test_turn__task_that_was_cancelled__ends_the_stream(ana, task, watch):
    _, heard = joined(watch, ana)
    ChoreographyTask.objects.all().delete()
    turn(watch)
    assert heard.said == [b'id: gone\nevent: end\ndata: {"status": "cancelled"}\n\n']
    assert heard.ended


@pytest.mark.parametrize("how", ["session", "password", "inactive", "token", "expired", "long"])
def test_turn__who_may_not_read_any_more__is_ended_and_told_nothing(ana, task, watch, how):
    token, _ = issue_token(user=ana, name="x", scopes=["read"])
    permit = Permit(ana.pk, ana.password, token_id=token.pk) if how in {"token", "expired"} else None
    follower, heard = joined(watch, ana, permit)
    turn(watch)
    assert not heard.ended, "as long as it may"
    ChoreographyTask.objects.update(progress=40, updated_at=Now())
    if how == "session":
        Session.objects.all().delete()
    elif how == "password":
        User.objects.update(password="other")
    elif how == "inactive":
        User.objects.update(is_active=False)
    elif how == "token":
        PersonalToken.objects.all().delete()
    elif how == "expired":
        PersonalToken.objects.update(expires_at=Now())
    else:
        follower.opened_s -= watching.LONGEST_S + 1
    turn(watch)
    assert (heard.said, heard.ended) == ([], True)


def test_turn__quiet_stream__gets_a_heartbeat(ana, task, watch):
    follower, heard = joined(watch, ana)
    follower.spoken_s -= watching.HEARTBEAT_S + 1
    turn(watch)
    turn(watch)
    assert heard.said == [b": the connection lives\n\n"]


def test_turn__many_followers_of_one_task__cost_as_many_queries_as_one(ana, task, watch, django_assert_max_num_queries):
    for _ in range(15):
        joined(watch, ana)
    ChoreographyTask.objects.update(progress=40, updated_at=Now())
    with django_assert_max_num_queries(12):
        turn(watch)


def test_turn__no_time_for_places__tells_one_a_turn_and_every_change_at_once(ana, task, watch, monkeypatch):
    monkeypatch.setattr(watching, "PLACES_S", 0)
    all_heard = []
    for _ in range(3):
        follower, heard = joined(watch, ana)
        follower.line = -1  # the queue has moved since
        all_heard.append(heard)
    told = []
    for _ in range(4):
        turn(watch)
        told.append(sum(len(heard.said) for heard in all_heard))
    assert told == [1, 2, 3, 3]
    ChoreographyTask.objects.update(progress=40, updated_at=Now())
    turn(watch)
    assert [len(heard.said) for heard in all_heard] == [2, 2, 2]


def test_more_streams_than_one_user_may_have__are_refused(ana, ben, task, watch, settings):
    settings.USER_STREAMS_LIMIT = 2
    first, _ = joined(watch, ana)
    joined(watch, ana)
    with pytest.raises(StreamsError):
        joined(watch, ana)
    joined(watch, ben)
    first.close()
    first.close()
    joined(watch, ana)


def test_stream__of_a_finished_task__is_its_state_and_an_end__and_204_to_who_has_it(house_of_ana):
    client = browser_of("owner")
    address = f"/api/choreography/tasks/{TASK}/events"
    answer = client.get(address, headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/event-stream")
    assert answer["X-Accel-Buffering"] == "no"
    text = answer.getvalue().decode()
    assert text.startswith("retry: 2000\n\nid: ")
    assert text.endswith("\n\nevent: end\ndata: {}\n\n")
    last = re.search("id: (.+)", text)[1]
    assert json.loads(re.search("data: (.+)", text)[1]) == client.get(address.removesuffix("/events")).json()
    assert client.get(address, headers={"Last-Event-ID": last}).status_code == 204
    assert client.get(address, headers={"Last-Event-ID": "x"}).status_code == 200
    missing = client.get("/api/choreography/tasks/none/events", headers={"Accept": "text/event-stream"})
    assert (missing.status_code, missing["Content-Type"]) == (404, "application/problem+json")


@contextmanager
def backend(database, folder: Path, **more: str) -> Iterator[Running]:
    port = free_port()
    env = os.environ | {
        "DATABASE_URL": database.url("backend_app"),
        "MEDIA_ROOT": str(folder),
        "USER_STREAMS_LIMIT": str(READERS),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        **more,
    }
    command = [sys.executable, "-m", "gunicorn", "--bind", f"{LOOPBACK}:{port}", "--threads", "4"]
    with (folder / "log").open("wb") as log:
        server = process.spawn(command, cwd=house.ROOT / "backend", env=env, stdout=log)
    try:
        until(lambda: b"Booting worker" in (folder / "log").read_bytes(), server, folder)
        yield Running(port, folder, server)
    finally:
        process.stop(server, timeout_s=20)


def memory_kib(parent: int) -> int:
    """Return what the one worker of a server holds."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def heard_until(client, end: bytes) -> bytes:
    data = b""
    while end not in data:
        part = client.recv(65536)
        assert part, data
        data += part
    return data


@pytest.mark.full
def test_hundreds_of_readers__hold_no_thread_and_hear_of_every_change(
    own_database, tmp_path, record_testsuite_property
):
    ana = make_user("ana")
    ChoreographyTask.objects.create(task_id="t", user=ana, status=ChoreographyTask.Status.RUNNING)
    _, secret = issue_token(user=ana, name="x", scopes=["read"])
    by_token, by_cookie = {"Authorization": f"Bearer {secret}"}, {"Cookie": f"sessionid={session_of(ana)}"}
    with (
        backend(own_database, tmp_path) as server,
        httpx.Client(base_url=f"http://{LOOPBACK}:{server.port}", headers=by_token, timeout=60) as ask,
    ):
        assert ask.get("/api/auth/me").status_code == 200
        before = memory_kib(server.process.pid)
        clients = [
            connect(server.port, get(EVENTS, **(by_cookie if number % 2 else by_token))) for number in range(READERS)
        ]
        first = [heard_until(client, b'"task_id":"t"') for client in clients]
        assert all(b"HTTP/1.1 200 OK" in head and b"text/event-stream" in head for head in first)
        each_kib = (memory_kib(server.process.pid) - before) / READERS
        record_testsuite_property("kib_per_event_reader", round(each_kib, 1))
        assert each_kib < 100
        # Four threads, and all of them are free.
        assert ask.get("/api/auth/me").status_code == 200
        ChoreographyTask.objects.update(progress=70, updated_at=Now())
        for client in clients:
            heard_until(client, b'"progress":70')
        assert ask.get("/api/auth/me").status_code == 200
        # A reader that has gone is forgotten; one whose session is over is ended, and the others are not.
        for client in clients[:10]:
            client.close()
        Session.objects.all().delete()
        for client in clients[11::2]:
            assert read_to_end(client).endswith(b"0\r\n\r\n")
        ChoreographyTask.objects.update(progress=90, updated_at=Now())
        staying = clients[10::2]
        for client in staying:
            heard_until(client, b'"progress":90')
        # A server that stops ends its streams, and they are whole.
        os.kill(server.process.pid, signal.SIGTERM)
        assert read_to_end(staying[0]).endswith(b"0\r\n\r\n")
        assert process.wait_for_exit(server.process.pid, 60)
        assert "Traceback" not in (tmp_path / "log").read_text()
        for client in clients:
            client.close()

"""The server's worker: slow clients hold no thread, and are cut off; all others are served as before."""

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from config import bodies
from sandbox import house, process
from sandbox.ports import LOOPBACK, free_port
from sandbox.slow_clients import ANNOUNCED_BODY, HALF_A_HEADER, connect, get, holding, read_to_end
from serving.patience import Patience

UNHURRIED = {"head_s": 600, "body_s": 600, "send_s": 600}
MIB = 1024 * 1024
FILM = bytes(range(256)) * 256 * 400  # as tests.tiny makes it


@dataclass(frozen=True)
class Running:
    port: int
    folder: Path
    process: object

    def ask(self, path: str, method: str = "GET", body: object = None, **headers: str) -> tuple[int, bytes]:
        client = http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)
        client.request(method, path, body, headers, encode_chunked=headers.get("Transfer-Encoding") == "chunked")
        answer = client.getresponse()
        content = answer.read()
        client.close()
        return answer.status, content


@contextmanager
def gunicorn(folder: Path, *more: str, **patience: float) -> Iterator[Running]:
    port, folder = free_port(), folder / f"server-{len(list(folder.iterdir()))}"
    folder.mkdir()
    os.mkfifo(folder / "gate")
    env = os.environ | {"PATIENCE": json.dumps(patience), "CLOSED_FILMS": str(folder / "closed")}
    command = [sys.executable, "-m", "gunicorn", "-c", "tests/patient_server.py", "--bind", f"{LOOPBACK}:{port}", *more]
    with (folder / "log").open("wb") as log:
        server = process.spawn(command, cwd=house.ROOT / "backend", env=env, stdout=log)
    try:
        until(lambda: accepts(port), server, folder)
        yield Running(port, folder, server)
    finally:
        process.stop(server, timeout_s=20)


def accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0


def until(happened: Callable[[], bool], server, folder: Path) -> None:
    for _ in range(600):
        if happened():
            return
        assert not process.wait_for_exit(server.pid, 0.1), (folder / "log").read_text()
    raise AssertionError((folder / "log").read_text())


@pytest.fixture(scope="module")
def unhurried(tmp_path_factory) -> Iterator[Running]:
    with gunicorn(tmp_path_factory.mktemp("serving"), **UNHURRIED) as running:
        yield running


@pytest.fixture(scope="module")
def hurried(tmp_path_factory) -> Iterator[Running]:
    with gunicorn(
        tmp_path_factory.mktemp("serving"), head_s=0.5, body_s=0.5, send_s=3, linger_s=0.5, body_bytes=MIB
    ) as running:
        yield running


def test_hundred_slow_clients_of_each_kind__hold_no_thread(unhurried):
    with holding(unhurried.port, HALF_A_HEADER, ANNOUNCED_BODY, get("/film"), count=100):
        assert unhurried.ask("/health") == (200, b"/health 0 probe")
        assert unhurried.ask("/page")[0] == 200
        assert unhurried.ask("/echo", "POST", bytes(MIB))[1].startswith(b"/echo 1048576 ")


@pytest.mark.parametrize("request_", [HALF_A_HEADER, ANNOUNCED_BODY.replace(b"/login", b"/echo"), get("/film")])
def test_gunicorns_own_threads__are_held_by_as_many_slow_clients(tmp_path, request_):
    """The negative control: without the worker the same clients stop the service."""
    with (
        gunicorn(tmp_path, "--worker-class", "gthread", **UNHURRIED) as running,
        holding(running.port, request_, count=4),
        socket.socket() as client,
    ):
        client.settimeout(1.0)
        client.connect((LOOPBACK, running.port))
        client.sendall(get("/health"))
        with pytest.raises(TimeoutError):
            client.recv(1)


def test_busy_threads__do_not_keep_health_from_answering(unhurried):
    with holding(unhurried.port, get("/wait"), count=4), (unhurried.folder / "gate").open("w") as gate:
        assert unhurried.ask("/health")[0] == 200
        gate.write("go on")


@pytest.mark.parametrize(
    ("request_", "end"),
    [
        (b"", b""),
        (HALF_A_HEADER, b"HTTP/1.1 408 Request Timeout\r\n"),
        (ANNOUNCED_BODY, b"HTTP/1.1 408 Request Timeout\r\n"),
    ],
)
def test_request_that_does_not_come__is_cut_off(hurried, request_, end):
    with connect(hurried.port, request_) as client:
        assert read_to_end(client).startswith(end)


def test_film_that_is_not_read__is_cut_off_and_its_file_closed(hurried):
    before = closed(hurried)
    with connect(hurried.port, get("/film")) as client:
        until(lambda: closed(hurried) > before, hurried.process, hurried.folder)
        assert 0 < len(read_to_end(client)) < len(FILM)


def closed(running: Running) -> int:
    file = running.folder / "closed"
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_large_body_that_does_not_come__is_cut_off(hurried):
    announced = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"
    with connect(hurried.port, announced) as client:
        read_to_end(client)


@pytest.mark.full
def test_film__arrives_whole_at_clients_that_read_by_turns(hurried):
    with holding(hurried.port, get("/film", Connection="close"), count=6) as clients:
        received = {client: bytearray() for client in clients}
        reading = list(clients)
        while reading:
            for client in list(reading):
                part = client.recv(MIB)
                received[client] += part
                if not part:
                    reading.remove(client)
        assert {bytes(content.partition(b"\r\n\r\n")[2]) for content in received.values()} == {FILM}
    assert hurried.ask("/film") == (200, FILM)


def test_one_connection__serves_requests_one_after_another_also_sent_at_once(unhurried):
    requests = get("/a") + b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + get("/b")
    unread = b"POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde" + get("/d", Connection="close")
    with connect(unhurried.port, requests) as client:
        client.sendall(unread[:40])
        client.sendall(unread[40:])
        answers = read_to_end(client)
    assert [line.split()[0] for line in answers.split(b"\r\n\r\n")[1:]] == [b"/a", b"/echo", b"/b", b"/c", b"/d"]


def test_body__in_pieces_or_in_chunks_or_after_a_question(unhurried):
    assert unhurried.ask("/refuse", "POST", iter([b"abc"]), **{"Transfer-Encoding": "chunked"}) == (413, b"no")
    asked = b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    for size in (3, 4 * MIB):
        with connect(unhurried.port, asked % size) as client:
            assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(bytes(size))
            assert f"/echo {size} ".encode() in read_to_end(client)


def test_large_body__is_read_on_threads_for_uploads_or_refused_unread(unhurried):
    status, text = unhurried.ask("/echo", "POST", bytes(4 * MIB))
    assert (status, text) == (200, b"/echo 4194304 upload")
    with connect(unhurried.port, b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 400000000\r\n\r\n") as client:
        assert read_to_end(client).endswith(b"\r\n\r\nno")


def test_body_that_the_disk_does_not_take__is_answered_and_logged(tmp_path):
    with gunicorn(tmp_path, **UNHURRIED) as running:
        (worker,) = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
        resource.prlimit(int(worker), resource.RLIMIT_FSIZE, (MIB // 2, MIB // 2))
        status, answer = running.ask("/", "POST", bytes(MIB))
        assert (status, json.loads(answer)["detail"]) == (507, "There is no room left on the disk here; it was logged.")
        assert "A request was not kept: [Errno 27] File too large" in (running.folder / "log").read_text()
        resource.prlimit(int(worker), resource.RLIMIT_FSIZE, (MIB // 4, MIB // 2))
        assert running.ask("/", "POST", bytes(MIB // 8))[0] != 507, "what fits is answered as before"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", b"400"),
        # Two lengths: a front may believe the other one, and send a hidden request.
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", b"400"),
        (b"GET / HTTP/1.1\r\nA: " + bytes(70_000).replace(b"\0", b"a"), b"431"),
        (b"GET /" + b"a" * 6000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (get("/fault"), b"500"),
    ],
)
def test_request_that_is_wrong__is_answered_with_a_problem_and_ends_its_connection(unhurried, sent, status):
    with connect(unhurried.port, sent) as client:
        head, _, body = read_to_end(client).partition(b"\r\n\r\n")
    problem, headers = json.loads(body), dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
    assert (head.split()[1], problem["status"]) == (status, int(status))
    assert problem["detail"].endswith(".")
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_more_connections_than_there_is_room__the_one_that_waited_longest_is_closed(tmp_path):
    with (
        gunicorn(tmp_path, "--worker-connections", "20", "--threads", "4", **UNHURRIED) as running,
        holding(running.port, HALF_A_HEADER, count=60) as held,
    ):
        assert running.ask("/page")[0] == 200
        assert read_to_end(held[0]) == b""


def test_stop__lets_a_film_end_that_is_being_read(tmp_path):
    with gunicorn(tmp_path, linger_s=0.2) as running, connect(running.port, get("/film")) as client:
        first = client.recv(1000)
        running.process.send_signal(signal.SIGTERM)
        assert (first + read_to_end(client)).partition(b"\r\n\r\n")[2] == FILM
        assert process.wait_for_exit(running.process.pid, 60)
        assert running.process.wait() == 0


def test_tls_in_the_server__is_refused():
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--bind", f"{LOOPBACK}:{free_port()}", "--certfile", "tests/tiny.py"],
        cwd=house.ROOT / "backend",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "this worker speaks plain HTTP. End TLS in a front." in done.stderr


def test_limit_of_bodies__is_that_of_the_application(settings):
    assert Patience().body_bytes == settings.DATA_UPLOAD_MAX_MEMORY_SIZE + bodies.ENVELOPE_BYTES

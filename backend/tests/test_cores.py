"""Workers that are more than the cores wait for one; a dead one's core is free again."""

import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.generation import cores
from apps.generation.management.commands import worker
from bachateo import machine

PATIENCE_S = 30
HOLD = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def two_cores(settings, monkeypatch) -> Iterator[list[int]]:
    monkeypatch.setattr(machine, "number_of_cores", lambda: 2)
    shared = cores.share()
    settings.WORKER_CORES = ",".join(map(str, shared))
    yield shared
    for number in shared:
        os.close(number)


@contextmanager
def third() -> Iterator[threading.Event]:
    """Want a core in a thread; gives what is set when it has one."""
    has_one = threading.Event()

    def want() -> None:
        with cores.one():
            has_one.set()

    thread = threading.Thread(target=want)
    thread.start()
    yield has_one
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def waits_at(core: int, who: int) -> bool:
    """Say whether a process waits for the lock of a file."""
    inode = os.fstat(core).st_ino
    waiting = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(int(words[5]) == who and words[6].endswith(f":{inode}") for words in waiting)


def until_it_waits(shared: list[int]) -> None:
    """Wait until a thread stands at all locks; polled, as nothing tells of a lock that is waited for."""
    deadline = time.monotonic() + PATIENCE_S
    while not all(waits_at(core, os.getpid()) for core in shared):
        assert time.monotonic() < deadline, "nothing waits"
        time.sleep(0.01)


@pytest.mark.parametrize("given_back", [0, 1])
def test_third__waits_until_either_core_is_given_back(two_cores, given_back):
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(cores.one())
        second.enter_context(cores.one())
        with third() as has_one:
            until_it_waits(two_cores)
            assert not has_one.is_set()
            (first, second)[given_back].close()
            assert has_one.wait(PATIENCE_S)
    with cores.one(), cores.one():
        pass  # what came to late waiting threads was given back


def test_worker_that_is_killed__its_core_is_free_again(two_cores):
    held = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD, f"/proc/self/fd/{core}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=two_cores,
        )
        for core in two_cores
    ]
    for process in held:
        assert process.stdout.readline() == b"held\n"
    with third() as has_one:
        until_it_waits(two_cores)
        assert not has_one.is_set()
        held[1].send_signal(signal.SIGKILL)
        assert has_one.wait(PATIENCE_S)
    held[0].kill()
    for process in held:
        process.communicate()


def test_no_cores_are_shared__nobody_waits(settings):
    settings.WORKER_CORES = ""
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(cores.one())


@pytest.mark.parametrize(("number", "shared"), [(2, 0), (3, 2)])
def test_crew__larger_than_the_cores__shares_them(monkeypatch, number, shared):
    monkeypatch.setattr(machine, "number_of_cores", lambda: 2)
    crew = worker.Crew(number)
    seen: list[int] = []

    def look() -> None:
        told = crew.environment.get("WORKER_CORES", "")
        seen.append(len([os.fstat(int(core)) for core in told.split(",") if core]))

    monkeypatch.setattr(crew, "_run", look)
    crew.run()
    assert (seen, len(crew.cores)) == ([shared], shared)
    for core in crew.cores:
        os.close(core)


def test_crew__that_cannot_start_a_worker__says_so_and_tries_again(monkeypatch, caplog):
    crew, tried = worker.Crew(1), []

    def start(place: int) -> subprocess.Popen[bytes]:
        tried.append(place)
        if len(tried) == 1:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        crew.over.set()
        return subprocess.Popen([sys.executable, "-c", "pass"])

    monkeypatch.setattr(worker, "AGAIN_AFTER_S", 0)
    monkeypatch.setattr(crew, "_start", start)
    crew._keep(0)
    assert tried == [0, 0]
    assert "worker 0 was not started, which is tried again: [Errno 11]" in caplog.text


@pytest.mark.parametrize(
    ("metrics_bind", "number", "message"),
    [
        ("", "100000", "--concurrency is 100000; one command runs at most 100 workers"),
        ("127.0.0.1:65530", "7", "each of 7 workers needs a port, up to 65536; ports end at 65535."),
    ],
)
def test_worker_command__with_too_many__is_refused(settings, metrics_bind, number, message):
    settings.METRICS_BIND = metrics_bind
    with pytest.raises(CommandError, match=re.escape(message)):
        call_command("worker", concurrency=int(number), queue=None)


def test_crew__a_worker_that_hangs_when_all_are_to_end__is_killed(monkeypatch, caplog):
    crew = worker.Crew(1)
    monkeypatch.setattr(worker, "KILLED_AFTER_S", 0.1)

    def start(_place: int) -> subprocess.Popen[bytes]:
        hanging = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        hanging.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, hanging.pid, os.WSTOPPED)  # of two signals that wait for it, it would take the other first
        crew.running.add(hanging)
        threading.Thread(target=crew._end, args=(signal.SIGTERM, None)).start()
        return hanging

    monkeypatch.setattr(crew, "_start", start)
    keeping = threading.Thread(target=crew._keep, args=(0,), daemon=True)
    keeping.start()
    keeping.join(PATIENCE_S)
    assert not keeping.is_alive()
    assert "has not ended; it is killed, and its video is begun again" in caplog.text

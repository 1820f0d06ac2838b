"""Workers that are more than the cores wait for one; a dead one's core is free again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from apps.generation import cores
from apps.generation.management.commands import worker

PATIENCE_S = 30
HOLD = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def two_cores(tmp_path: Path, settings, monkeypatch) -> Path:
    monkeypatch.setattr(cores, "number_of_cores", lambda: 2)
    folder = tmp_path / "cores"
    folder.mkdir()
    cores.share(folder)
    settings.WORKER_CORES = str(folder)
    return folder


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


def waits_at(file: Path, who: int) -> bool:
    """Say whether a process waits for the lock of a file."""
    inode = file.stat().st_ino
    waiting = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" in line]
    return any(int(words[5]) == who and words[6].endswith(f":{inode}") for words in waiting)


def until_it_waits(folder: Path) -> None:
    """Wait until a thread stands at all locks; polled, as nothing tells of a lock that is waited for."""
    deadline = time.monotonic() + PATIENCE_S
    while not all(waits_at(file, os.getpid()) for file in folder.iterdir()):
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
        subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for file in two_cores.iterdir()
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


@pytest.mark.parametrize(("number", "shared"), [(2, False), (3, True)])
def test_crew__larger_than_the_cores__shares_them(monkeypatch, number, shared):
    monkeypatch.setattr(cores, "number_of_cores", lambda: 2)
    crew = worker.Crew(number)
    seen: list[list[str]] = []

    def look() -> None:
        folder = crew.environment.get("WORKER_CORES")
        seen.append(sorted(file.name for file in Path(folder).iterdir()) if folder else [])

    monkeypatch.setattr(crew, "_run", look)
    crew.run()
    assert seen == [["0", "1"] if shared else []]

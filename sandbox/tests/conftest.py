"""What the tests of the sandbox share: a place that the server's user can reach, and real processes."""

import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.fixtures import FAST, roomy_place
from sandbox.postgres import Server, binaries
from sandbox.postgres.account import Account

UNPRIVILEGED = 65534


@contextmanager
def public_folder() -> Iterator[Path]:
    """Give a folder that every user can pass; pytest's own is private, and its path is long."""
    with tempfile.TemporaryDirectory(prefix="sb-", dir=roomy_place()) as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder that the server's user can reach."""
    with public_folder() as path:
        yield path


@pytest.fixture(scope="session")
def pristine() -> Iterator[Path]:
    """A data folder to be copied: making one takes ten times as long."""
    with public_folder() as path:
        with Server(path / "pg", settings=FAST):
            pass
        yield path / "pg"


@pytest.fixture
def data(place: Path, pristine: Path) -> Path:
    """A data folder of the test's own, ``place / "pg"``; nothing runs on it."""
    subprocess.run(["cp", "-a", pristine, place], check=True)
    return place / "pg"


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    """A server of the test's own."""
    with Server(data, settings=FAST) as server:
        yield server


@pytest.fixture
def root() -> None:
    """For faults that only root can plant."""
    if os.geteuid() != 0:
        pytest.skip("only root can plant this fault")


@pytest.fixture
def python() -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Start a real Python process; what is left of them at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str, *arguments: object) -> "subprocess.Popen[bytes]":
        argv = [sys.executable, "-c", code, *map(str, arguments)]
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        started.append(child)
        return child

    yield start
    for child in started:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            pipe.close()


@pytest.fixture
def as_nobody(root: None) -> Callable[[Callable[[], str]], str]:
    """Call a function in a process that is an ordinary user from the start, and return what it returned.

    A fork, because the interpreter itself may lie where that user cannot reach it.
    """
    programs = binaries.programs(Account.current())

    def call(function: Callable[[], str]) -> str:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setgid(UNPRIVILEGED)
            os.setuid(UNPRIVILEGED)
            binaries.programs = lambda _: programs
            try:
                answer = function()
            except BaseException:  # noqa: BLE001 - the parent shows it
                answer = traceback.format_exc()
            os.write(writing, answer.encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answer:
            text = answer.read()
        os.waitpid(child, 0)
        return text

    return call


@pytest.fixture(scope="session")
def snapshot() -> Callable[[Path], dict[str, tuple[int, int, bytes]]]:
    """Read everything below a folder: modes, owners, contents."""

    def read(folder: Path) -> dict[str, tuple[int, int, bytes]]:
        return {
            str(path.relative_to(folder)): (
                path.lstat().st_mode,
                path.lstat().st_uid,
                path.read_bytes() if path.is_file() else b"",
            )
            for path in folder.rglob("*")
        }

    return read

"""`script/server` itself: everything starts, and nothing is left behind however it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from sandbox import house
from sandbox.fixtures import roomy_place
from sandbox.ports import free_port
from sandbox.process import wait_for_exit
from tests.readme import form, shown

SONG = "Noche de demo.mp3"


@pytest.fixture(scope="module")
def folder(moves_library: Path, demo_song: Path) -> Iterator[Path]:
    """A folder for a house whose moves are drawn and whose song is there; the first start makes its database."""
    with TemporaryDirectory(prefix="house-", dir=roomy_place()) as place:
        folder = Path(place)
        folder.chmod(0o711)  # the database server runs as another user than root
        (folder / "media").mkdir()
        (folder / "demo").mkdir()
        (folder / "media" / "Bachata_steps").symlink_to(moves_library)
        (folder / "demo" / SONG).write_bytes(demo_song.read_bytes())
        yield folder


@contextmanager
def server(
    folder: Path, *, port: int | None = None, starts: bool = True, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start the command and wait until it is ready, or has ended; give the lines it wrote so far."""
    ports = ["--port", str(port or free_port()), "--original-port", str(free_port())]
    command = [sys.executable, "-m", "sandbox.serve", "--folder", str(folder), *ports]
    env = os.environ | environment
    with subprocess.Popen(command, cwd=house.ROOT, env=env, stderr=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "Ctrl-C" in line:
                break
        assert starts == ("Ctrl-C" in lines[-1]), "".join(lines)
        try:
            yield process, lines
        finally:
            process.terminate()


def children_of(pid: int) -> list[int]:
    """Return all descendants."""
    direct = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return direct + [grandchild for child in direct for grandchild in children_of(child)]


def assert_healthy(lines: list[str]) -> None:
    for name in ("backend", "original"):
        address = re.search(rf"^{name} +(http://\S+)", "".join(lines), re.MULTILINE)[1]
        assert httpx.get(f"{address}/health").json() == {"status": "healthy", "service": name}


@pytest.fixture(scope="module")
def first_start(folder: Path) -> list[str]:
    """What a first start printed, which made the database and was ended by Ctrl-C."""
    with server(folder) as (process, lines):
        assert "the original's migrations" in "".join(lines)
        assert_healthy(lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    return lines


@pytest.fixture(scope="module")
def started_before(folder: Path, first_start: list[str]) -> Path:
    """The folder after a first start."""
    return folder


def test_server__what_a_first_start_prints__is_what_the_readme_shows(first_start):
    lines = [form(line) for line in shown()["script/server"] if not line.startswith("bootstrap: ")]
    assert [form(line) for line in first_start] == [line for line in lines if line != "…"]


def test_server__its_song__lies_where_the_settings_say(started_before, bucket):
    assert (started_before / "media" / "songs" / SONG).is_file()
    with server(started_before, **bucket.environment()) as (_, lines):
        assert_healthy(lines)
    assert bucket.names("songs/") == [f"songs/{SONG}"]


@pytest.mark.parametrize("how", [pytest.param(signal.SIGTERM, marks=pytest.mark.full), signal.SIGKILL])
def test_server__started_again_and_ended__answers_makes_nothing_anew_and_takes_everything_with_it(started_before, how):
    with server(started_before) as (process, lines):
        assert "the original's migrations" not in "".join(lines)
        assert_healthy(lines)
        everybody = children_of(process.pid)
        assert len(everybody) > 5
        process.send_signal(how)
        process.wait(timeout=60)
        for pid in everybody:
            assert wait_for_exit(pid, timeout_s=60), Path(f"/proc/{pid}/cmdline").read_text()


def test_server__port_taken__says_so(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with server(folder, port=port, starts=False) as (process, lines):
            assert process.wait(timeout=60) == 1
    assert f"SB004  port {port} is in use; a system was to listen there." in "".join(lines)


def test_server__its_worker_dies__is_started_again_unless_it_cannot_live(started_before):
    with server(started_before) as (process, _):
        (worker,) = [pid for pid in children_of(process.pid) if b"procrastinate" in cmdline(pid)]
        os.kill(worker, signal.SIGKILL)
        assert process.stderr.readline() == "worker     ended with status -9; it was started again\n"
        (again,) = [pid for pid in children_of(process.pid) if b"procrastinate" in cmdline(pid)]
        os.kill(again, signal.SIGKILL)
        assert process.wait(timeout=60) == 1
        assert "SB005  worker ended with status -9. The end of" in process.stderr.read()


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()

"""Whatever the umask: logs, and what a child writes, are closed to other accounts."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import process
from sandbox.dns.nameserver import NameServer
from sandbox.logs import log_folder, open_log

OTHERWISE = ('.open("ab")', '.open("wb")', ".touch()", ".write_bytes(")
SOURCES = Path(__file__).parents[1] / "src/sandbox"


@pytest.fixture(autouse=True)
def open_to_all() -> Iterator[None]:
    """A umask that takes no right away."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_log__is_new__others_read_nothing(tmp_path):
    folder = log_folder(tmp_path / "run/log")
    with open_log(folder / "a.log") as log:
        log.write(b"a line")
    assert [mode(path) for path in (folder, folder.parent, folder / "a.log")] == [0o750, 0o750, 0o640]


def test_log__was_open_to_all__is_closed_and_kept_or_emptied(tmp_path):
    path = tmp_path / "log/a.log"
    path.parent.mkdir(mode=0o777)
    path.touch(0o666)
    log_folder(path.parent)
    with open_log(path) as log:
        log.write(b"a line")
    assert (mode(path.parent), mode(path), path.read_bytes()) == (0o750, 0o640, b"a line")
    open_log(path, empty=True).close()
    assert path.read_bytes() == b""


def test_log__this_account_closed_it_more__stays_so(tmp_path):
    path = tmp_path / "a.log"
    path.touch(0o600)
    open_log(path).close()
    assert mode(path) == 0o600


def test_child__writes_files_and_folders__others_read_nothing(tmp_path):
    child = process.spawn(["/bin/sh", "-c", "mkdir folder; echo x > file"], cwd=tmp_path, env=dict(os.environ))
    assert child.wait() == 0
    assert (mode(tmp_path / "folder"), mode(tmp_path / "file")) == (0o750, 0o640)


def test_name_server__its_files__others_read_nothing():
    with NameServer("logs.test.", "ns2 30 IN A 127.0.0.1") as server:
        found = {path.name: oct(mode(path)) for path in (server.folder, server.log, server.folder / "key")}
        assert [name for name, one in found.items() if int(one, 8) & 0o007] == [], found


def test_sources__every_log__is_opened_by_one_function():
    """A log that is opened otherwise would have the rights that the umask leaves."""
    lines = [(file.name, line) for file in SOURCES.rglob("*.py") for line in file.read_text().splitlines()]
    assert [(name, line) for name, line in lines if "log" in line and any(how in line for how in OTHERWISE)] == []

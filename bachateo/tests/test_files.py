from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bachateo.cache import cached, content_key
from bachateo.files import remove_abandoned, written_aside


def test_written_aside__success__is_there_whole(tmp_path: Path) -> None:
    with written_aside(tmp_path / "deep" / "file.txt") as aside:
        aside.write_text("whole")
        assert (aside.name[0], aside.suffix) == (".", ".part")
        assert not (tmp_path / "deep" / "file.txt").exists()

    assert (tmp_path / "deep" / "file.txt").read_text() == "whole"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["file.txt"]


def test_written_aside__failure__leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with written_aside(tmp_path / "file.txt") as aside:
            aside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_cached__digest_missing__makes_it_again(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_text("entry")

    entry, found = cached(tmp_path, "a.txt", make)
    (tmp_path / "a.txt.sha256").unlink()

    assert not found
    assert cached(tmp_path, "a.txt", make) == (entry, False)
    assert cached(tmp_path, "a.txt", make) == (entry, True)
    assert len(made) == 2
    assert (tmp_path / "a.txt.sha256").read_text() == content_key(entry)


KILLED_WHILE_IT_WRITES = """
import os, signal, sys
import signal
import subprocess
import sys
from pathlib import Path
from bachateo.files import remove_abandoned, written_aside
with written_aside(Path(sys.argv[1]) / "sound.m4a") as aside:
    aside.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_remove_abandoned__after_a_kill__removes_what_was_written_aside(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_WHILE_IT_WRITES, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]

    remove_abandoned(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_remove_abandoned__while_another_process_writes__leaves_it_alone(tmp_path: Path) -> None:
    (tmp_path / "music.part").write_text("not written aside: it is not hidden")
    with written_aside(tmp_path / "file.txt") as aside:
        aside.write_text("whole")
        child = f"from pathlib import Path; from bachateo.files import *; remove_abandoned(Path({str(tmp_path)!r}))"
        subprocess.run([sys.executable, "-c", child], check=True)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.txt", "music.part"]


def test_remove_abandoned__no_folder__does_nothing(tmp_path: Path) -> None:
    remove_abandoned(tmp_path / "missing")

from __future__ import annotations

from pathlib import Path

import pytest

from bachateo.cache import cached, content_key
from bachateo.files import written_aside


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

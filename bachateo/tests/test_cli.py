from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bachateo.cli import app
from bachateo.moves import Library, starter
from bachateo.moves.drawing.repertoire import REPERTOIRE


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_make__library_given__writes_the_video_and_lists_the_moves(demo, drawn: Library, tmp_path: Path) -> None:
    out = tmp_path / "dance.mp4"

    result = _run("make", demo.path, "-o", out, "--library", drawn.folder, "--difficulty", "beginner", "--seed", 2)

    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.glob("dance.*")} == {
        "dance.mp4",
        "dance.timeline.json",
        "dance.captions.vtt",
        "dance.chapters.vtt",
        "dance.jpg",
    }
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{out}  30 s at 124 bpm, ")
    assert lines[1].split() == ["0:00.5", "intro"]
    assert lines[-1].endswith("outro")
    assert "generating" in result.stderr


def test_make__without_sidecars__writes_only_the_video(demo, drawn: Library, tmp_path: Path) -> None:
    result = _run("make", demo.path, "-o", tmp_path / "dance.mp4", "--library", drawn.folder, "--no-sidecars")

    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.glob("dance.*")] == ["dance.mp4"]


def test_make__song_that_is_none__fails_with_the_reason(drawn: Library, tmp_path: Path) -> None:
    result = _run("make", tmp_path / "gone.mp3", "-o", tmp_path / "x.mp4", "--library", drawn.folder)

    assert result.exit_code == 1
    assert "CH001  there is no song file" in result.stderr
    assert result.stdout == ""


def test_make__unknown_difficulty__is_a_usage_error(demo, tmp_path: Path) -> None:
    assert _run("make", demo.path, "-o", tmp_path / "x.mp4", "--difficulty", "expert").exit_code == 2


def test_library_starter__drawn_before__says_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [pattern for pattern in REPERTOIRE if pattern.label in {"side basic", "intro"}]
    monkeypatch.setattr(
        starter.draw_starter, "__kwdefaults__", {**starter.draw_starter.__kwdefaults__, "repertoire": few}
    )

    first, second = (_run("library", "starter", tmp_path / "moves", "--height", 90) for _ in range(2))

    assert first.exit_code == second.exit_code == 0, first.output
    assert first.stdout.strip() == second.stdout.strip() == str(tmp_path / "moves")
    assert "6 clips in" in second.stderr.replace("\n", "")
    assert len(Library.load(tmp_path / "moves").moves) == 6


def test_library_starter__another_library__fails_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "library.json").write_text("{}")

    result = _run("library", "starter", tmp_path)

    assert result.exit_code == 1
    assert "CH034" in result.stderr


def test_library_sheet__library_given__draws_it(drawn: Library, tmp_path: Path) -> None:
    result = _run("library", "sheet", "--library", drawn.folder, "-o", tmp_path / "sheet.png")

    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path / "sheet.png")
    assert "7 moves" in result.stderr


def test_library_sheet__no_library__fails_with_the_reason(tmp_path: Path) -> None:
    result = _run("library", "sheet", "--library", tmp_path / "nowhere", "-o", tmp_path / "sheet.png")

    assert result.exit_code == 1
    assert "CH020  there is no library.json" in result.stderr
    assert not (tmp_path / "sheet.png").exists()


def test_demo_song__writes_the_song_and_its_beats(tmp_path: Path) -> None:
    result = _run("demo-song", tmp_path / "demo.mp3", "--seconds", 12, "--bpm", 130)

    assert result.exit_code == 0
    assert result.stdout.strip() == str(tmp_path / "demo.mp3")
    assert json.loads((tmp_path / "demo.json").read_text())["bpm"] == 130


def test_demo_song__no_bachata__fails_with_the_reason(tmp_path: Path) -> None:
    result = _run("demo-song", tmp_path / "demo.mp3", "--bpm", 40)

    assert result.exit_code == 1
    assert "CH011" in result.stderr


def test_demo_song__where_no_file_can_be__says_so_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()

    result = _run("demo-song", tmp_path / "a file" / "demo.mp3", "--seconds", 12)

    assert result.exit_code == 1
    assert f"{tmp_path / 'a file'} cannot be read or written (" in result.stderr
    assert result.stderr.endswith("then run this again: what is finished is kept.\n")
    assert result.stderr.count("\n") == 1


def test_library_ingest__disk_is_full__says_to_make_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "clips/a.mp4")

    monkeypatch.setattr("bachateo.moves.ingest.ingest", full)
    result = _run("library", "ingest", tmp_path, "--annotations", tmp_path / "films.json", "-o", tmp_path / "library")

    assert result.exit_code == 1
    assert result.stderr == (
        "clips/a.mp4 cannot be read or written (No space left on device). "
        "Make room, then run this again: what is finished is kept.\n"
    )

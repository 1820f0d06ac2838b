from __future__ import annotations

from pathlib import Path

import av
import pytest
from typer.testing import CliRunner, Result

from bachateo.cli import app
from bachateo.moves import Library


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "plan-home"))


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def planned(demo, drawn: Library, tmp_path: Path) -> Path:
    result = _run("plan", demo.path, "-o", tmp_path / "plan.json", "--library", drawn.folder)
    assert result.exit_code == 0, result.output
    return tmp_path / "plan.json"


def test_cut__plan__becomes_its_video_with_what_belongs_to_it(demo, planned: Path, tmp_path: Path) -> None:
    result = _run("cut", planned, "-o", tmp_path / "dance.mp4")

    assert result.exit_code == 0, result.output
    with av.open(str(tmp_path / "dance.mp4")) as video:
        assert video.duration / av.time_base == pytest.approx(demo.seconds, abs=0.5)
        assert sum(1 for _ in video.decode(video=0)) > 20 * demo.seconds
    assert {path.name for path in tmp_path.glob("dance.*")} >= {
        "dance.timeline.json",
        "dance.captions.vtt",
        "dance.jpg",
    }
    assert result.stdout.splitlines()[1].split() == ["0:00.5", "intro"]


def test_cut__another_song__is_refused_and_writes_nothing(planned: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp3"
    other.write_bytes(b"another song")

    result = _run("cut", planned, "-o", tmp_path / "dance.mp4", "--song", other)

    assert result.exit_code == 1
    assert f"CH067  {other.name} is not the song that was planned: its content differs." in result.stderr
    assert not (tmp_path / "dance.mp4").exists()


def test_cut__song_gone__says_what_to_do(planned: Path, tmp_path: Path) -> None:
    planned.write_text(planned.read_text().replace("demo.mp3", "gone.mp3"))

    result = _run("cut", planned, "-o", tmp_path / "dance.mp4")

    assert result.exit_code == 1
    assert "CH066  the song of the plan," in result.stderr
    assert "Say where it is: --song FILE" in result.stderr


def test_cut__constant_rate__has_as_many_pictures_a_second(demo, planned: Path, tmp_path: Path) -> None:
    result = _run("cut", planned, "-o", tmp_path / "dance.mp4", "--cfr", 30, "--no-sidecars")

    assert result.exit_code == 0, result.output
    with av.open(str(tmp_path / "dance.mp4")) as video:
        stream = video.streams.video[0]
        assert stream.average_rate == stream.base_rate == 30
        assert stream.frames == pytest.approx(30 * demo.seconds, abs=2)


def test_cut__constant_rate_of_none__is_refused(planned: Path, tmp_path: Path) -> None:
    result = _run("cut", planned, "-o", tmp_path / "dance.mp4", "--cfr", 0)

    assert result.exit_code == 2
    assert not (tmp_path / "dance.mp4").exists()

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bachateo.cli import app
from bachateo.cli.songs import _spark
from bachateo.music import Analysis


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all of these, so that the song is heard once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def song(demo, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    path = tmp_path / "song.mp3"
    path.write_bytes(demo.path.read_bytes())
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_analyze__people__read_tempo_counts_and_phrases(song: Path) -> None:
    result = _run("analyze", song)

    lines = result.stdout.splitlines()
    assert result.exit_code == 0, result.output
    assert lines[0].startswith("song.mp3  0:30.0, 124.")
    assert lines[0].endswith("first 1 at 0.50 s")
    assert [line.split()[0] for line in lines[1:4]] == ["tempo", "confidence", "1"]
    assert len(lines) == 3 + 7


def test_analyze__json__can_be_read_back(demo, song: Path) -> None:
    result = _run("analyze", song, "--json")

    analysis = Analysis.from_json(result.stdout)
    values = json.loads(result.stdout)
    assert values["beats_s"] == list(analysis.beats_s)
    assert len(values["tempo_curve_bpm"]) == len(values["confidence"]) == len(analysis.beats_s)
    assert values["phrases"][0]["start_s"] == pytest.approx(demo.truth.downbeats[0], abs=0.02)


def test_correct__half_a_beat_and_the_one__are_obeyed_until_cleared(song: Path) -> None:
    before = _run("analyze", song).stdout

    corrected = _run("correct", song, "--shift-half-beat", "--the-one-at", 4.0)
    after = _run("analyze", song).stdout

    assert corrected.stdout.splitlines()[0] == "song.mp3: half a beat later, a 1 at 4 s"
    assert after.splitlines()[-1] == "  as corrected: half a beat later, a 1 at 4 s"
    assert after.splitlines()[0] != before.splitlines()[0]
    assert _run("correct", song, "--clear").stdout.startswith("song.mp3: no corrections")
    assert _run("analyze", song).stdout == before


def test_correct__one_after_the_end__is_refused_and_nothing_is_kept(song: Path) -> None:
    result = _run("correct", song, "--the-one-at", 99)

    assert result.exit_code == 1
    assert "CH014  a 1 at 99.0 s: the song lasts from 0 to 30.0 s" in result.stderr
    assert list(song.parent.iterdir()) == [song]


def test_correct__nothing_to_correct__is_a_usage_error(song: Path) -> None:
    result = _run("correct", song)

    assert result.exit_code == 2
    assert "say what to correct" in result.stderr


def test_analyze__no_song__fails_with_the_reason(song: Path) -> None:
    result = _run("analyze", song.with_name("gone.mp3"), "--json")

    assert result.exit_code == 1
    assert "CH001  there is no song file" in result.stderr
    assert result.stdout == ""


def test_spark__values__rise_from_low_to_high() -> None:
    assert _spark([0, 0.5, 1], 0, 1) == "▁▅█"
    assert len(_spark([0.5] * 500, 0, 1)) == 60

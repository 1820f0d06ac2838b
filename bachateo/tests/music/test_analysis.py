from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from bachateo.errors import SongError
from bachateo.music import Analysis, analyze_song, analyzing
from bachateo.music.recording import write_sound


def _f_measure(found: np.ndarray, true: np.ndarray, tolerance_s: float = 0.07) -> float:
    hits = sum(np.abs(true - beat).min() <= tolerance_s for beat in found)
    return float(2 * hits / (len(found) + len(true)))


def _within(times_s: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return times_s[(times_s > truth[0] - 0.2) & (times_s < truth[-1] + 0.2)]


@pytest.fixture(scope="module")
def heard(demo, tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analyze_song(demo.path, cache=tmp_path_factory.mktemp("cache"))


def test_analyze_song__demo__hears_every_beat_and_every_one(demo, heard: Analysis) -> None:
    beats, true = np.array(heard.beats_s), np.array(demo.truth.beats)
    ones = beats[heard.first_count :: 4]

    assert _f_measure(_within(beats, true), true) == 1
    assert _f_measure(_within(ones, true), np.array(demo.truth.downbeats)) == 1
    assert _f_measure(_within(beats, true) + 0.2, true) < 0.2, "the measure would notice a shift"


def test_analyze_song__demo__beats_are_where_they_sound(demo, heard: Analysis) -> None:
    beats = np.array(heard.beats_s)
    errors = [beats[np.abs(beats - true).argmin()] - true for true in demo.truth.beats]

    assert np.abs(errors).max() < 0.012


def test_analyze_song__demo__tempo_length_and_energy(demo, heard: Analysis) -> None:
    assert heard.tempo_bpm == pytest.approx(124, abs=0.5)
    assert heard.duration_s == pytest.approx(demo.seconds, abs=0.05)
    assert heard.eight_counts == len(heard.beats_s[heard.first_count :]) // 8
    assert min(heard.energy) == 0
    assert max(heard.energy) == 1


def test_analyze_song__grid__goes_on_to_both_ends(heard: Analysis) -> None:
    gaps = np.diff(heard.beats_s)

    assert heard.beats_s[0] < gaps[0]
    assert heard.duration_s - heard.beats_s[-1] < gaps[-1] * 1.01
    assert gaps.min() > 0.4
    assert gaps.max() < 0.6


def test_analyze_song__heard_before__is_remembered_by_content(demo, tmp_path: Path, monkeypatch) -> None:
    first = analyze_song(demo.path, cache=tmp_path / "cache")
    renamed = tmp_path / "other name.mp3"
    renamed.write_bytes(demo.path.read_bytes())
    monkeypatch.setattr(analyzing, "analyze_samples", lambda _song: pytest.fail("heard again"))

    assert analyze_song(renamed, cache=tmp_path / "cache") == first


@pytest.mark.parametrize(
    "damage", [pytest.param("cut", marks=pytest.mark.full), "changed", pytest.param("gone", marks=pytest.mark.full)]
)
def test_analyze_song__cache_damaged__is_heard_again(demo, heard: Analysis, tmp_path: Path, damage: str) -> None:
    analyze_song(demo.path, cache=tmp_path)
    (entry,) = tmp_path.glob("*.json")
    content = entry.read_text()
    if damage == "gone":
        entry.unlink()
    else:
        entry.write_text(content[:40] if damage == "cut" else content.replace("30", "99", 1))

    assert analyze_song(demo.path, cache=tmp_path) == heard
    assert entry.read_text() == content


def test_analyze_song__fewer_than_eight_counts__says_so(
    clicks: Callable[[Sequence[float], float], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file this short would be refused before it is heard.
    monkeypatch.setattr("bachateo.music.song.SHORTEST_S", 1.0)
    song = clicks([0.3 + 0.5 * beat for beat in range(8)], 4.2)

    with pytest.raises(SongError, match=r"^CH012  the song holds no complete eight-count: \d beats"):
        analyze_song(song, cache=tmp_path)


@pytest.mark.parametrize("sound", ["drone", "noise"])
def test_analyze_song__no_beat__says_so(tmp_path: Path, sound: str) -> None:
    t = np.arange(10 * 22_050) / 22_050
    samples = 0.3 * np.sin(2 * np.pi * 90 * t) if sound == "drone" else np.random.default_rng(0).normal(0, 0.1, len(t))
    write_sound(tmp_path / "sound.wav", samples.astype(np.float32), rate_hz=22_050)

    with pytest.raises(SongError, match=r"^CH009  no steady beat was heard"):
        analyze_song(tmp_path / "sound.wav", cache=tmp_path)

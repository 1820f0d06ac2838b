from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bachateo.errors import SongError
from bachateo.music import (
    Analysis,
    Corrections,
    analyze_song,
    analyzing,
    apply_corrections,
    corrections_from_taps,
    downbeat_at,
    read_corrections,
    save_corrections,
    shift_half_beat,
)


@pytest.fixture
def heard(make_analysis: Callable[..., Analysis]) -> Analysis:
    plain = make_analysis(eight_counts=4, tempo=120)
    count = len(plain.beats_s)
    loudness = tuple(0.1 + 0.01 * (beat // 8) for beat in range(count - 1))
    return replace(plain, confidence=tuple(np.linspace(0.2, 1, count)), loudness=loudness)


def test_shift_half_beat__beats__lie_between_those_before(heard: Analysis) -> None:
    shifted = shift_half_beat(heard)

    between = [(this + following) / 2 for this, following in zip(heard.beats_s, heard.beats_s[1:], strict=False)]
    assert set(between) <= set(shifted.beats_s)
    assert shifted.beats_s[0] == pytest.approx(0.25), "and before the first one"
    assert len(shifted.beats_s) == len(shifted.confidence) == len(shifted.loudness) + 1
    assert shifted.beats_s[shifted.first_count] - heard.beats_s[heard.first_count] == pytest.approx(0.25)
    assert len(shifted.energy) == shifted.eight_counts == heard.eight_counts


def test_downbeat_at__near_a_beat__makes_it_a_one(heard: Analysis) -> None:
    counted = downbeat_at(heard, heard.beats_s[13] + 0.1)

    assert (13 - counted.first_count) % 8 == 0
    assert counted.beats_s == heard.beats_s
    assert heard.beats_s[13] in counted.downbeats_s
    assert heard.beats_s[13] not in replace(counted, first_count=counted.first_count + 1).downbeats_s
    assert counted.energy != heard.energy or counted.eight_counts != heard.eight_counts


def test_downbeat_at__count_begins_anew__still_does_as_much_later(heard: Analysis) -> None:
    moved = replace(heard, restarts=(13,))

    counted = downbeat_at(moved, moved.beats_s[17])

    assert (counted.first_count, counted.restarts) == (5, (17,))
    assert counted.counts[17] == 1 == counted.counts[5]
    assert moved.counts[17] == 5


def test_shift_half_beat__count_begins_anew__on_the_same_beat(heard: Analysis) -> None:
    moved = replace(heard, restarts=(13,))

    shifted = shift_half_beat(moved)

    assert shifted.beats_s[shifted.restarts[0]] - moved.beats_s[13] == pytest.approx(0.25)


@pytest.mark.parametrize("seconds", [-0.1, 1e6, float("nan"), float("inf")])
def test_downbeat_at__outside_the_song__is_refused(heard: Analysis, seconds: float) -> None:
    with pytest.raises(SongError, match=r"^CH014  a 1 at .* s: the song lasts from 0 to \d+\.\d s\. Give a time"):
        downbeat_at(heard, seconds)


def test_downbeat_at__short_song__no_eight_count_left__is_refused(make_analysis: Callable[..., Analysis]) -> None:
    short = make_analysis(eight_counts=1)

    with pytest.raises(SongError, match=r"^CH012  the song holds no complete eight-count: 5 beats"):
        downbeat_at(short, short.beats_s[7])


def test_apply_corrections__both__shifts_before_it_counts(heard: Analysis) -> None:
    corrected = apply_corrections(heard, Corrections(shift_half_beat=True, downbeat_at_s=5.25))

    assert corrected == downbeat_at(shift_half_beat(heard), 5.25)
    assert 5.25 in corrected.downbeats_s
    assert apply_corrections(heard, Corrections()) == heard


def test_analyze_song__corrected__obeys_without_hearing_again(
    demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = tmp_path / "song.mp3"
    song.write_bytes(demo.path.read_bytes())
    before = analyze_song(song, cache=tmp_path / "cache")
    monkeypatch.setattr(analyzing, "analyze_samples", lambda _song: pytest.fail("heard again"))
    corrections = Corrections(shift_half_beat=True, downbeat_at_s=10.0)

    save_corrections(song, corrections)

    assert (tmp_path / "song.mp3.corrections.json").is_file()
    assert analyze_song(song, cache=tmp_path / "cache") == apply_corrections(before, corrections) != before
    assert analyze_song(song, cache=tmp_path / "cache", corrected=False) == before
    save_corrections(song, Corrections())
    assert not (tmp_path / "song.mp3.corrections.json").exists()
    assert analyze_song(song, cache=tmp_path / "cache") == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "Expecting property name"),
        ("[]", "it has other fields"),
        ('{"shift_half_beat": true}', "it has other fields"),
        ('{"shift_half_beat": 1, "downbeat_at_s": null}', "shift_half_beat is 1"),
        ('{"shift_half_beat": false, "downbeat_at_s": "5"}', "downbeat_at_s is '5'"),
        ('{"shift_half_beat": false, "downbeat_at_s": NaN}', "downbeat_at_s is nan"),
        ('{"shift_half_beat": false, "downbeat_at_s": -1}', "downbeat_at_s is -1"),
        ('{"shift_half_beat": false, "downbeat_at_s": true}', "downbeat_at_s is True"),
        (" " * 20_000, "Expecting value"),
    ],
)
def test_read_corrections__file_of_another_kind__says_what_is_wrong(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "song.mp3.corrections.json").write_text(content)

    with pytest.raises(SongError, match=r"^CH013  the corrections in song\.mp3\.corrections\.json cannot be") as error:
        read_corrections(tmp_path / "song.mp3")
    assert reason in error.value.message
    assert error.value.message.endswith("Correct the file or remove it.")


def test_read_corrections__saved__come_back(tmp_path: Path) -> None:
    corrections = Corrections(downbeat_at_s=3.5)
    save_corrections(tmp_path / "song.mp3", corrections)

    assert read_corrections(tmp_path / "song.mp3") == corrections
    assert read_corrections(tmp_path / "other.mp3") == Corrections()


def _tapped(beats_s: np.ndarray, seed: int, jitter_s: float = 0.04) -> tuple[float, ...]:
    """Return taps near these times, up to ``jitter_s`` off."""
    return tuple(beats_s + np.random.default_rng(seed).uniform(-jitter_s, jitter_s, len(beats_s)))


@pytest.mark.parametrize("tempo", [105, 128, 160])
@pytest.mark.parametrize("late_s", [-0.03, 0, 0.03])
@pytest.mark.parametrize("number", [4, 16])
def test_corrections_from_taps__jitter__beats_are_shifted_only_where_they_are_half_a_beat_off(
    make_analysis: Callable[..., Analysis], tempo: float, late_s: float, number: int
) -> None:
    analysis = make_analysis(eight_counts=8, tempo=tempo)
    beats, half_s = np.array(analysis.beats_s), 30 / tempo
    for seed in range(40):
        some = beats[8 + seed % 8 :][:number] + late_s
        assert corrections_from_taps(analysis, _tapped(some, seed)) == Corrections()
        assert corrections_from_taps(analysis, _tapped(some + half_s, seed)) == Corrections(shift_half_beat=True)


@pytest.mark.parametrize("every", [4, 8])
@pytest.mark.parametrize("half", [False, True])
def test_corrections_from_taps__on_the_ones__the_first_is_a_one(heard: Analysis, every: int, half: bool) -> None:
    wanted = np.array(heard.beats_s)[2::every][:4] + (0.25 if half else 0)

    corrections = corrections_from_taps(heard, _tapped(wanted, seed=1))

    assert corrections.shift_half_beat is half
    assert corrections.downbeat_at_s == pytest.approx(wanted[0], abs=0.041)
    counted = apply_corrections(heard, corrections)
    ones = np.array(counted.beats_s[counted.first_count :: 8])
    assert np.abs(ones - wanted[0]).min() < 0.01


def test_corrections_from_taps__anywhere_or_twice_a_beat__are_refused(heard: Analysis) -> None:
    beats = np.array(heard.beats_s)
    rng = np.random.default_rng(5)
    refused = 0
    for _ in range(50):
        with pytest.raises(SongError, match=r"^CH016  the taps do not go with the beats"):
            corrections_from_taps(heard, tuple(np.sort(np.concatenate((beats[4:12], beats[4:12] + 0.25)))))
        try:
            corrections_from_taps(heard, tuple(rng.uniform(1, heard.duration_s - 1, 16)))
        except SongError:
            refused += 1
    assert refused >= 45


@pytest.mark.parametrize(
    "taps", [(), (1, 2, 3), (1, 1, 1, 1, 1), (-1, 1, 2, 3), (1, 2, 3, 1e6), (1, 2, 3, float("nan"))]
)
def test_corrections_from_taps__too_few_or_outside__are_refused(heard: Analysis, taps: tuple[float, ...]) -> None:
    with pytest.raises(SongError, match=r"^CH016  \d different taps within a song of \d+\.\d s are needed"):
        corrections_from_taps(heard, taps)

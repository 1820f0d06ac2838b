from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from bachateo.music import pulse
from bachateo.music.features import FRAME_RATE_HZ
from bachateo.music.pulse import _viterbi, hear_pulse, track_pulse, without_slips


def _pulse(halves_s: np.ndarray, loud: np.ndarray | float = 0.9) -> np.ndarray:
    heard = np.full(round((halves_s[-1] + 1) * FRAME_RATE_HZ), 0.02)
    heard[np.round(halves_s * FRAME_RATE_HZ).astype(int)] = loud
    return heard


def _hit(found_s: np.ndarray, true_s: np.ndarray) -> float:
    return float(np.mean([np.abs(found_s - time_s).min() < 0.03 for time_s in true_s]))


def test_viterbi__short_song__is_the_best_of_all_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every path of a small state space, scored one by one."""
    monkeypatch.setattr(pulse, "FASTEST_BPM", 60 * FRAME_RATE_HZ / 5)
    monkeypatch.setattr(pulse, "SLOWEST_BPM", 60 * FRAME_RATE_HZ / 7)
    heard = np.random.default_rng(4).uniform(0, 1, 23)
    intervals = np.array([5, 6, 7])
    gains, change = pulse._gains(heard), pulse._log_change(intervals)

    def score(first: int, path: tuple[int, ...]) -> tuple[float, list[int]]:
        total, frame, starts, before = 0.0, first, [], None
        for tempo in path:
            if before is not None:
                total += change[before, tempo]
            for place in range(intervals[tempo]):
                if 0 <= frame < len(heard) and place / intervals[tempo] % 0.5 < 1 / 16:
                    total += gains[frame]
                if place == 0 and 0 <= frame < len(heard):
                    starts.append(frame)
                frame += 1
            before = tempo
            if frame >= len(heard):
                return total, starts
        return -np.inf, starts

    paths = [score(-first, path) for first in range(7) for path in product(range(3), repeat=6)]
    # A path whose first beat began before the song, as far in as its interval allows.
    best = max(paths, key=lambda scored: scored[0])

    np.testing.assert_array_equal(_viterbi(heard), best[1])


def test_track_pulse__every_other_half_beat_loud__finds_all_halves() -> None:
    halves = 0.4 + 0.24 * np.arange(120)
    found = track_pulse(_pulse(halves, np.where(np.arange(120) % 2, 0.9, 0.2)))

    assert _hit(found, halves) == 1
    assert found[0] == pytest.approx(halves[0], abs=0.03)
    assert _hit(found + 0.12, halves) < 0.2, "the measure would notice a shift"


def test_track_pulse__half_beat_more_in_a_break__is_not_followed() -> None:
    """Strokes that come a quarter beat late for two bars do not turn beats into off-beats."""
    halves = 0.4 + 0.24 * np.arange(200)
    late = halves + np.where((np.arange(200) >= 100) & (np.arange(200) < 108), 0.12, 0)
    found = track_pulse(_pulse(late))

    sides = [np.abs(found - time_s).argmin() % 2 for time_s in halves[::2]]
    assert len(set(sides[:45])) == len(set(sides[60:])) == 1
    assert sides[0] == sides[-1]


@pytest.mark.parametrize("bpm", [104, 128, 152])
def test_track_pulse__tempo_step_of_eight_percent__is_followed(bpm: float) -> None:
    steps = np.concatenate((np.full(100, 30 / bpm), np.full(100, 30 / bpm / 1.08)))
    halves = 0.4 + np.cumsum(steps)

    assert _hit(track_pulse(_pulse(halves)), halves) > 0.97


def test_track_pulse__only_noise_for_the_last_third__keeps_the_tempo(monkeypatch: pytest.MonkeyPatch) -> None:
    halves = 0.4 + 0.24 * np.arange(200)
    heard = _pulse(halves)
    noisy = slice(2 * len(heard) // 3, None)
    heard[noisy] = np.random.default_rng(5).uniform(0.1, 0.4, len(heard[noisy]))

    def last_half_s() -> float:
        return float(np.median(np.diff(track_pulse(heard))[-50:]))

    assert last_half_s() == pytest.approx(0.24, rel=0.06)
    monkeypatch.setattr(pulse, "_gains", lambda heard: np.log(heard) - np.log((1 - heard) / 7))
    assert last_half_s() < 0.2, "without the average of 0 the fastest tempo wins"


def test_track_pulse__nothing_heard__is_empty() -> None:
    silence = hear_pulse(np.zeros((500, 2), np.float32), np.zeros((6, 2000), np.float32))

    assert len(track_pulse(silence)) == 0


def _slipped(*, half_beats: int, over: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Return half beats, and the same with so many more or fewer within a stretch of them."""
    true = np.cumsum(np.random.default_rng(6).normal(0.21, 0.002, 160))
    begin, end = 80, 80 + over
    return true, np.concatenate(
        (true[:begin], np.linspace(true[begin], true[end], over + half_beats + 1), true[end + 1 :])
    )


@pytest.mark.parametrize("half_beats", [-1, 1])
def test_without_slips__half_a_beat_more_or_less__is_put_back(half_beats: int) -> None:
    true, slipped = _slipped(half_beats=half_beats)

    mended = without_slips(slipped)

    assert len(mended) == len(true) != len(slipped)
    assert np.abs(mended - true).max() < 0.02


@pytest.mark.parametrize(
    "halves_s",
    [
        _slipped(half_beats=0)[0],
        _slipped(half_beats=-4, over=6)[1],
        np.cumsum([0.21] * 60 + [0.225] * 60),
        np.cumsum([*[0.21] * 120, 0.3, 0.35]),
        np.cumsum([0.21] * 20),
    ],
    ids=["steady", "waits for two beats", "another tempo", "slower at the end", "short"],
)
def test_without_slips__no_slip__is_left_alone(halves_s: np.ndarray) -> None:
    np.testing.assert_array_equal(without_slips(halves_s), halves_s)

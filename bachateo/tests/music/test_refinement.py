from __future__ import annotations

import numpy as np
import pytest

from bachateo.music.instruments import RATE_HZ, pluck
from bachateo.music.onsets import hear_attacks, hear_onsets
from bachateo.music.refinement import _straighten, refine_pulse
from bachateo.music.song import SAMPLE_RATE_HZ, read_song


@pytest.fixture(scope="module")
def samples(demo) -> np.ndarray:
    return read_song(demo.path).samples


@pytest.fixture(scope="module")
def onsets(samples: np.ndarray) -> np.ndarray:
    return hear_onsets(samples)


def _halves(demo) -> np.ndarray:
    beats = np.array(demo.truth.beats)
    return np.sort(np.concatenate((beats, (beats[1:] + beats[:-1]) / 2)))


def test_refine_pulse__twenty_ms_off__finds_the_onsets_again(demo, onsets: np.ndarray, samples: np.ndarray) -> None:
    true = _halves(demo)
    rough = true + np.random.default_rng(1).uniform(-0.02, 0.02, len(true))

    refined, clear = refine_pulse(onsets, rough, samples)

    assert np.abs(refined - true).max() < 0.012
    assert np.abs(refined - true).mean() < np.abs(rough - true).mean()
    assert np.median(clear) > 0.5


def test_refine_pulse__nothing_sounds__is_not_clear(onsets: np.ndarray) -> None:
    halves = 0.5 + 0.24 * np.arange(60)

    refined, clear = refine_pulse(np.zeros_like(onsets), halves, np.zeros(20 * SAMPLE_RATE_HZ, np.float32))

    assert clear.max() < 0.1
    np.testing.assert_allclose(refined, halves, atol=0.02)


def test_refine_pulse__too_few__leaves_them(onsets: np.ndarray) -> None:
    halves = np.array([0.5, 0.75, 1.0])

    np.testing.assert_array_equal(refine_pulse(onsets, halves, np.zeros(0, np.float32))[0], halves)


def test_straighten__one_outlier__moves_nothing_else() -> None:
    line = 0.24 * np.arange(60)
    bent = line + np.where(np.arange(60) == 30, 0.04, 0)

    np.testing.assert_allclose(_straighten(bent, np.ones(60)), line, atol=1e-3)


def test_straighten__tempo_step__keeps_its_corner() -> None:
    corner = np.concatenate((0.25 * np.arange(30), 7.5 + 0.23 * np.arange(30)))
    jitter = np.random.default_rng(2).normal(0, 0.002, 60)

    straight = _straighten(corner + jitter, np.ones(60))

    assert np.abs(straight - corner).max() < 0.006
    smoothed = np.convolve(np.pad(corner, 9, mode="reflect", reflect_type="odd"), np.ones(19) / 19, "valid")
    assert np.abs(smoothed - corner).max() > 0.02, "a mean over both sides would round it off"


def _strokes(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Half a minute of one sound alone, and when it is struck."""
    times = 0.5 + 0.5 * np.arange(58)
    t = np.arange(int(0.03 * RATE_HZ)) / RATE_HZ
    click = np.sin(2 * np.pi * 1000 * t) * np.exp(-t / 0.006)
    stroke = click if kind == "click" else pluck(60, 0.4, 0.5)
    song = np.zeros(30 * RATE_HZ)
    for time_s in times:
        start = round(time_s * RATE_HZ)
        song[start : start + len(stroke)] += 0.5 * stroke
    return song[::2].astype(np.float32), times


@pytest.mark.parametrize("kind", ["click", "pluck"])
def test_refine_pulse__one_kind_of_sound_alone__is_heard_when_it_is_struck(kind: str) -> None:
    samples, times = _strokes(kind)
    halves = np.arange(times[0], times[-1] + 0.1, 0.25) + np.random.default_rng(4).uniform(-0.005, 0.005, 2 * 57 + 1)

    errors_ms = 1000 * (refine_pulse(hear_onsets(samples), halves, samples)[0][::2] - times)

    assert abs(errors_ms.mean()) < 2
    assert np.abs(errors_ms).max() < 6


def test_hear_attacks__click__is_sudden_and_a_drone_is_not() -> None:
    samples, times = _strokes("click")
    drone = np.sin(2 * np.pi * 110 * np.arange(len(samples)) / SAMPLE_RATE_HZ).astype(np.float32)

    begins_s, rise = hear_attacks(samples, times + 0.009)

    assert np.abs(begins_s - times).max() < 0.002
    assert rise.min() > 2
    assert hear_attacks(drone, times)[1].max() < 0.5

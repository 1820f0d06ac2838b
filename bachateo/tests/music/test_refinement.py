from __future__ import annotations

import numpy as np
import pytest

from bachateo.music.onsets import hear_onsets
from bachateo.music.refinement import _straighten, refine_pulse
from bachateo.music.song import read_song


@pytest.fixture(scope="module")
def onsets(demo) -> np.ndarray:
    return hear_onsets(read_song(demo.path).samples)


def _halves(demo) -> np.ndarray:
    beats = np.array(demo.truth.beats)
    return np.sort(np.concatenate((beats, (beats[1:] + beats[:-1]) / 2)))


def test_refine_pulse__twenty_ms_off__finds_the_onsets_again(demo, onsets: np.ndarray) -> None:
    true = _halves(demo)
    rough = true + np.random.default_rng(1).uniform(-0.02, 0.02, len(true))

    refined, clear = refine_pulse(onsets, rough)

    assert np.abs(refined - true).max() < 0.012
    assert np.abs(refined - true).mean() < np.abs(rough - true).mean()
    assert np.median(clear) > 0.5


def test_refine_pulse__nothing_sounds__is_not_clear(onsets: np.ndarray) -> None:
    halves = 0.5 + 0.24 * np.arange(60)

    refined, clear = refine_pulse(np.zeros_like(onsets), halves)

    assert clear.max() < 0.1
    np.testing.assert_allclose(refined, halves, atol=0.02)


def test_refine_pulse__too_few__leaves_them(onsets: np.ndarray) -> None:
    halves = np.array([0.5, 0.75, 1.0])

    np.testing.assert_array_equal(refine_pulse(onsets, halves)[0], halves)


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

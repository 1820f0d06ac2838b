"""Our parts of the beat tracker against the code that they stand for."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from madmom_infer.audio.signal import FramedSignalProcessor, Signal
from madmom_infer.audio.spectrogram import (
    FilteredSpectrogramProcessor,
    LogarithmicSpectrogramProcessor,
    SpectrogramDifferenceProcessor,
)
from madmom_infer.audio.stft import ShortTimeFourierTransformProcessor
from madmom_infer.features.downbeats import DBNDownBeatTrackingProcessor
from madmom_infer.processors import SequentialProcessor

from choreographer.music.features import FRAME_RATE_HZ, HOP, WINDOW, beat_features
from choreographer.music.meter import FASTEST_BPM, SLOWEST_BPM, decode_bars
from choreographer.music.network import beat_activations
from choreographer.music.onsets import refine_beats
from choreographer.music.song import SAMPLE_RATE_HZ, read_song
from choreographer.music.weights import _ArrayUnpickler, read_weights


@pytest.fixture(scope="module")
def samples(demo) -> np.ndarray:
    return read_song(demo.path).samples


def test_beat_features__in_blocks__equal_madmoms_chain(samples: np.ndarray) -> None:
    chain = SequentialProcessor(
        [
            FramedSignalProcessor(frame_size=WINDOW, hop_size=HOP),
            ShortTimeFourierTransformProcessor(),
            FilteredSpectrogramProcessor(num_bands=24, fmin=30, fmax=17_000, norm_filters=True),
            LogarithmicSpectrogramProcessor(mul=1, add=1),
            SpectrogramDifferenceProcessor(diff_ratio=0.5, positive_diffs=True, stack_diffs=np.hstack),
        ]
    )

    expected = chain(Signal(samples, sample_rate=SAMPLE_RATE_HZ))

    assert beat_features(samples).shape == (-(-len(samples) // HOP), 272)
    np.testing.assert_allclose(beat_features(samples), expected, atol=2e-4)


def test_decode_bars__demo__equals_madmoms_decoder(samples: np.ndarray) -> None:
    activations = beat_activations(beat_features(samples))
    reference = DBNDownBeatTrackingProcessor(
        [4], min_bpm=SLOWEST_BPM, max_bpm=FASTEST_BPM, fps=FRAME_RATE_HZ, correct=False
    )

    frames, places = decode_bars(activations)

    # Theirs leaves out a beat on the very first frame that is heard.
    expected = reference(activations)
    np.testing.assert_array_equal(frames[-len(expected) :], (expected[:, 0] * FRAME_RATE_HZ).round())
    np.testing.assert_array_equal(places[-len(expected) :] + 1, expected[:, 1])
    assert len(frames) - len(expected) <= 1


def test_decode_bars__nothing_heard__gives_no_beats() -> None:
    frames, places = decode_bars(np.zeros((500, 2), np.float32))

    assert len(frames) == len(places) == 0


def test_beat_activations__demo__downbeats_are_told_from_beats(demo, samples: np.ndarray) -> None:
    activations = beat_activations(beat_features(samples))
    at = (np.array(demo.truth.downbeats[2:-1]) * FRAME_RATE_HZ).round().astype(int)
    downbeats = np.max([activations[at + shift] for shift in (-1, 0, 1, 2)], axis=0)

    assert np.median(downbeats[:, 1]) > 0.5 > np.median(downbeats[:, 0])


def test_read_weights__lstm__has_its_shape() -> None:
    weights = read_weights(1)

    assert weights["lstm.weight_hh_l0"].shape == (600, 150)
    assert weights["linear0.weight"].shape == (150, 262)


def test_unpickler__anything_but_arrays__is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(print))

    with zipfile.ZipFile(file) as archive, pytest.raises(pickle.UnpicklingError, match=r"builtins\.print has no place"):
        _ArrayUnpickler(archive).load()


def test_refine_beats__twenty_ms_off__finds_the_onsets_again(demo, samples: np.ndarray) -> None:
    true = np.array(demo.truth.beats)
    rough = true + np.random.default_rng(1).uniform(-0.02, 0.02, len(true))

    refined = refine_beats(samples, rough)

    assert np.abs(refined - true).max() < 0.012
    assert np.abs(refined - true).mean() < np.abs(rough - true).mean()


def test_refine_beats__few_beats__leaves_them(make_analysis: Callable[..., object]) -> None:
    beats = np.array([0.5, 1.0, 1.5])

    np.testing.assert_array_equal(refine_beats(np.zeros(44_100, np.float32), beats), beats)

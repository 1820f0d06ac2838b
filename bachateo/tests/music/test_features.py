"""The spectrogram against the code that it stands for."""

from __future__ import annotations

import numpy as np
from madmom_infer.audio.signal import FramedSignalProcessor, Signal
from madmom_infer.audio.spectrogram import (
    FilteredSpectrogramProcessor,
    LogarithmicSpectrogramProcessor,
    SpectrogramDifferenceProcessor,
)
from madmom_infer.audio.stft import ShortTimeFourierTransformProcessor
from madmom_infer.processors import SequentialProcessor

from bachateo.music.features import HOP, WINDOW, beat_features
from bachateo.music.song import SAMPLE_RATE_HZ, read_song


def test_beat_features__in_blocks__equal_madmoms_chain(demo) -> None:
    samples = read_song(demo.path).samples
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

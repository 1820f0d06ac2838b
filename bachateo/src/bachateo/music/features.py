"""The spectrogram that the beat network listens to."""

from __future__ import annotations

import numpy as np
from madmom_infer.audio.filters import LogarithmicFilterbank
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bachateo.music.song import SAMPLE_RATE_HZ

FRAME_RATE_HZ = 50
HOP = SAMPLE_RATE_HZ // FRAME_RATE_HZ
WINDOW = int(0.064 * SAMPLE_RATE_HZ)
BINS = WINDOW // 2
# Frames per block: a whole song's spectrum at once would be hundreds of megabytes.
BLOCK = 1024


def beat_features(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return log magnitudes and their rises, 24 bands to the octave from 30 Hz.

    Parameters
    ----------
    samples
        Mono, float32, at ``SAMPLE_RATE_HZ``.

    Returns
    -------
    ndarray
        Shape ``(frames, 272)``, ``FRAME_RATE_HZ`` frames a second, frame ``i`` centred on ``i / FRAME_RATE_HZ``.
        The first half are magnitudes, the second half how much each rose since the frame before.

    Notes
    -----
    Equal to madmom's chain as BeatNet configures it (a test compares them), in blocks.
    """
    frequencies_hz = np.fft.fftfreq(2 * BINS, 1 / SAMPLE_RATE_HZ)[:BINS]
    bank = LogarithmicFilterbank(frequencies_hz, num_bands=24, fmin=30, fmax=17_000, norm_filters=True).data
    window = np.hanning(WINDOW).astype(np.float32)
    count = -(-len(samples) // HOP)
    padded = np.pad(samples, (WINDOW // 2, WINDOW))
    frames = sliding_window_view(padded, WINDOW)[::HOP][:count]
    levels = np.empty((count, bank.shape[1]), np.float32)
    for start in range(0, count, BLOCK):
        spectrum = np.abs(np.fft.rfft(frames[start : start + BLOCK] * window, axis=1)[:, :BINS])
        levels[start : start + BLOCK] = np.log10(spectrum @ bank + 1)
    rises = np.diff(levels, axis=0, prepend=levels[:1]).clip(min=0)
    return np.hstack((levels, rises))

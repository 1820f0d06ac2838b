"""Beats moved from the frame of the network (20 ms) to the onset that is heard."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from choreographer.music.song import SAMPLE_RATE_HZ

HOP = 110  # 5 ms
WINDOW = 512
BLOCK = 4096
REACH_S = 0.045  # how far an onset may be from the beat it belongs to
# Beats on either side that must lie on one line with a beat: more are steadier, fewer follow a band that drifts.
NEIGHBOURS = 5


def refine_beats(samples: NDArray[np.float32], beats_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Snap each beat to the strongest onset near it, then straighten the beats locally.

    Parameters
    ----------
    samples
        Mono, float32, at ``SAMPLE_RATE_HZ``.
    beats_s
        Beats in seconds, ascending.

    Returns
    -------
    ndarray
        As many beats, ascending. One missing or early onset does not move its beat: a line is fitted through the
        neighbours and the outliers are given no weight.
    """
    if len(beats_s) < NEIGHBOURS:
        return beats_s
    strength = _onset_strength(samples)
    snapped = np.array([_snap(strength, beat_s) for beat_s in beats_s])
    straight = np.array([_fit_line(snapped, index) for index in range(len(snapped))])
    return np.maximum.accumulate(straight)


def _onset_strength(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much the log spectrum rises, per hop; the rise at index ``i`` is heard at ``i * HOP`` samples."""
    window = np.hanning(WINDOW).astype(np.float32)
    frames = sliding_window_view(np.pad(samples, WINDOW // 2), WINDOW)[::HOP]
    strength = np.zeros(len(frames), np.float32)
    before = None
    for start in range(0, len(frames), BLOCK):
        levels = np.log1p(100 * np.abs(np.fft.rfft(frames[start : start + BLOCK] * window, axis=1))).astype(np.float32)
        before = levels[:1] if before is None else before
        rises = np.diff(levels, axis=0, prepend=before)
        strength[start : start + BLOCK] = rises.clip(min=0).sum(axis=1)
        before = levels[-1:]
    return strength


def _snap(strength: NDArray[np.float32], beat_s: float) -> float:
    reach = round(REACH_S * SAMPLE_RATE_HZ / HOP)
    centre = round(beat_s * SAMPLE_RATE_HZ / HOP)
    offsets = np.arange(-reach, reach + 1)
    near = strength[np.clip(centre + offsets, 0, len(strength) - 1)]
    # An onset nearer to where the network heard the beat is the likelier one.
    best = offsets[np.argmax(near * np.exp(-0.5 * (offsets / reach) ** 2))]
    return float(centre + best) * HOP / SAMPLE_RATE_HZ


def _fit_line(beats_s: NDArray[np.float64], index: int) -> float:
    indices = np.arange(max(0, index - NEIGHBOURS), min(len(beats_s), index + NEIGHBOURS + 1))
    x, y = indices - index, beats_s[indices]
    weights = np.ones(len(x))
    for _ in range(3):
        slope, intercept = np.polyfit(x, y, 1, w=weights)
        off = np.abs(y - (slope * x + intercept))
        # Tukey's biweight; 5 ms is the resolution below which nothing is an outlier.
        weights = np.clip(1 - (off / (4 * max(float(np.median(off)), 0.005))) ** 2, 0.01, None)
    return float(intercept)

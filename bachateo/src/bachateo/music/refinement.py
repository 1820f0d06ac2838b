"""Half beats moved from the frame of the network (20 ms) to the onsets that are heard."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bachateo.music.onsets import ONSET_RATE_HZ, Onsets, hear_attacks

Array = NDArray[np.float64]

REACH_S = 0.045  # how far an onset may be from the half beat it belongs to
# Half beats on either side that must lie on one line: more are steadier, fewer follow a band that drifts.
NEIGHBOURS = 9
FEWEST = 4  # through fewer points every line is a good one
# A line through one side only (a new tempo begins or ends here) must fit better than the one through both sides.
ONE_SIDED = 1.5
# A stroke before which it was four or five times softer begins where the power rises; of others, such as a bass that
# swells under a band, the middle of the window tells more. Tried on clicks, plucked strings, basses and whole bands.
SUDDEN = 1.5
NO_STROKE = 0.03  # weight of a half beat on which nothing begins
NOT_AN_OUTLIER_S = 0.005  # the resolution of the onsets
FITS = 3
WEIGHT_OF_OUTLIER = 0.01
SILENCE = 1e-3
CLEAR = 4.0  # an onset this many times stronger than its surroundings is as clear as can be


def refine_pulse(onsets: Onsets, halves_s: Array, samples: NDArray[np.float32]) -> tuple[Array, Array]:
    """Snap each half beat to the strongest onset near it, then straighten them locally.

    Parameters
    ----------
    onsets
        Shape ``(bands, hops)``, from :func:`bachateo.music.onsets.hear_onsets`.
    halves_s
        Shape ``(n,)``: half beats in seconds, ascending.
    samples
        What the onsets were heard in.

    Returns
    -------
    ndarray, ndarray
        As many half beats, ascending. One missing or early onset does not move its half beat: a line is fitted
        through the neighbours and the outliers are given no weight. And how clearly each was heard, 0 to 1: how much
        its onset stands out and how near to the line it lies.
    """
    if len(halves_s) <= FEWEST:
        return halves_s, np.zeros(len(halves_s))
    snapped, clear = _snap(onsets.sum(axis=0), halves_s)
    begins_s, rise = hear_attacks(samples, snapped)
    snapped = np.where(rise > SUDDEN, begins_s, snapped)
    straight = np.maximum.accumulate(_straighten(snapped, clear * rise.clip(NO_STROKE, 1)))
    near = np.exp(-0.5 * ((snapped - straight) / (3 * NOT_AN_OUTLIER_S)) ** 2)
    return straight, clear * near


def _snap(strength: NDArray[np.float32], times_s: Array) -> tuple[Array, Array]:
    reach = round(REACH_S * ONSET_RATE_HZ)
    offsets = np.arange(-reach, reach + 1)
    centres = np.round(times_s * ONSET_RATE_HZ).astype(int)
    near = strength[np.clip(centres[:, None] + offsets, 0, len(strength) - 1)]
    # Of two onsets the one nearer to the expected place is likelier; without an onset the beat stays there.
    best = centres + offsets[np.argmax((near + SILENCE) * np.exp(-0.5 * (offsets / reach) ** 2), axis=1)]
    stands_out = near.max(axis=1) / (near.mean(axis=1) + 1e-6)
    clear = ((stands_out - 1) / (CLEAR - 1)).clip(0.05, 1)
    return (best + _between(strength, best)) / ONSET_RATE_HZ, clear.astype(np.float64)


def _between(strength: NDArray[np.float32], best: NDArray[np.int64]) -> Array:
    """Where between the columns a parabola through three of them has its top, -0.5 to 0.5."""
    at = best.clip(1, len(strength) - 2)
    before, top, after = (strength[at + shift].astype(np.float64) for shift in (-1, 0, 1))
    bend = before - 2 * top + after
    return np.where(bend < 0, (0.5 * (before - after) / np.minimum(bend, -1e-9)).clip(-0.5, 0.5), 0.0)


def _straighten(times_s: Array, weights: Array) -> Array:
    offsets = np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
    width = len(offsets)
    y = sliding_window_view(np.pad(times_s, NEIGHBOURS, mode="edge"), width)
    w = sliding_window_view(np.pad(weights, NEIGHBOURS), width)
    straight, least = _fit(y, w, offsets)
    for side in (offsets <= 0, offsets >= 0):
        one_sided, error = _fit(y, w * side, offsets)
        enough = np.count_nonzero(w * side, axis=1) >= FEWEST
        better = enough & (ONE_SIDED * error < least)
        straight, least = np.where(better, one_sided, straight), np.where(better, ONE_SIDED * error, least)
    return straight


def _fit(y: Array, base: Array, x: NDArray[np.int64]) -> tuple[Array, Array]:
    """Fit a line to each row of ``y``; return its value at 0 and its mean squared error.

    Repeated with Tukey's biweight (Beaton and Tukey, 1974), so that outliers do not bend it.
    """
    weights = base
    for _ in range(FITS):
        total = weights.sum(axis=1)
        mean_x, mean_y = (weights * x).sum(axis=1) / total, (weights * y).sum(axis=1) / total
        from_x = x - mean_x[:, None]
        spread = (weights * from_x**2).sum(axis=1) + 1e-9
        slope = (weights * from_x * (y - mean_y[:, None])).sum(axis=1) / spread
        at_zero = mean_y - slope * mean_x
        off = np.abs(y - at_zero[:, None] - slope[:, None] * x)
        usual = np.maximum(np.median(off, axis=1), NOT_AN_OUTLIER_S)
        weights = base * (1 - (off / (4 * usual[:, None])) ** 2).clip(WEIGHT_OF_OUTLIER, None)
    return at_zero, (weights * off**2).sum(axis=1) / weights.sum(axis=1)

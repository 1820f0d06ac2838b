"""What begins in a song and when: strokes and notes, by pitch, five milliseconds apart."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bachateo.music.song import SAMPLE_RATE_HZ

HOP = 110  # 5 ms
ONSET_RATE_HZ = SAMPLE_RATE_HZ / HOP
WINDOW = 512
BLOCK = 4096
# Bass, low drum, high drum and chords, plucked strings, their brightness, güira.
EDGES_HZ = (40, 130, 350, 900, 2500, 5500, 11_025)

# A stroke begins where what follows is so much louder than what was before: a millisecond is exact enough.
ATTACK_BIN = SAMPLE_RATE_HZ // 1000
ATTACK_BEFORE, ATTACK_AFTER = 22, 26  # milliseconds around a time in which its stroke begins
LOUDER, SOFTER = 3, 5  # milliseconds after and before, whose powers are compared
NEAREST_S = 0.008  # of two that are as sudden the nearer one is likelier
AUDIBLE = 0.02  # of the greatest power nearby: below is what a codec smears before a stroke

Onsets = NDArray[np.float32]
Times = NDArray[np.float64]


def hear_onsets(samples: NDArray[np.float32]) -> Onsets:
    """Return how much the log spectrum rises.

    Parameters
    ----------
    samples
        Mono, float32, at ``SAMPLE_RATE_HZ``.

    Returns
    -------
    ndarray
        Shape ``(6, hops)``, between each two of ``EDGES_HZ``; what begins at column ``i`` is heard at ``i * HOP``
        samples.
    """
    window = np.hanning(WINDOW).astype(np.float32)
    frames = sliding_window_view(np.pad(samples, WINDOW // 2), WINDOW)[::HOP]
    edges = [int(np.ceil(edge * WINDOW / SAMPLE_RATE_HZ)) for edge in EDGES_HZ]
    onsets = np.zeros((len(edges) - 1, len(frames)), np.float32)
    before = None
    for start in range(0, len(frames), BLOCK):
        # `log`, which is computed for many at a time, where `log1p` is not.
        levels = np.log(1 + 100 * np.abs(np.fft.rfft(frames[start : start + BLOCK] * window, axis=1)))
        before = levels[:1] if before is None else before
        rises = np.diff(levels, axis=0, prepend=before).clip(min=0)
        before = levels[-1:]
        onsets[:, start : start + BLOCK] = np.add.reduceat(rises[:, : edges[-1]], edges[:-1], axis=1).T
    return onsets


def hear_attacks(samples: NDArray[np.float32], times_s: Times) -> tuple[Times, Times]:
    """Return when exactly a stroke begins near each time, and how sudden it is.

    The window of :func:`hear_onsets` is wide: it sees a click too early, and what swells too late.

    Parameters
    ----------
    samples
        Mono, float32, at ``SAMPLE_RATE_HZ``.
    times_s
        Shape ``(n,)``.

    Returns
    -------
    ndarray, ndarray
        Shape ``(n,)`` each: seconds, and the logarithm of how many times the power rises there.
    """
    count = ATTACK_BEFORE + ATTACK_AFTER
    first = np.round(times_s * SAMPLE_RATE_HZ).astype(int) - ATTACK_BEFORE * ATTACK_BIN
    at = (first[:, None] + np.arange(-1, count * ATTACK_BIN)).clip(0, len(samples) - 1)
    # Differences: what is bright says best when it begins.
    power = np.square(np.diff(samples[at].astype(np.float64), axis=1)).reshape(len(at), count, ATTACK_BIN).mean(axis=2)
    floor = AUDIBLE * power.max(axis=1, keepdims=True) + 1e-12
    sums = np.pad(np.cumsum(power, axis=1), ((0, 0), (1, 0)))
    place = np.arange(SOFTER, count - LOUDER)
    after, before = sums[:, place + LOUDER] - sums[:, place], sums[:, place] - sums[:, place - SOFTER]
    rise = np.log(after / LOUDER + floor) - np.log(before / SOFTER + floor)
    later_s = (place - ATTACK_BEFORE) * ATTACK_BIN / SAMPLE_RATE_HZ
    best = np.argmax(rise * np.exp(-0.5 * (later_s / NEAREST_S) ** 2), axis=1)
    return times_s + later_s[best], rise[np.arange(len(at)), best]


def strongest_near(
    values: NDArray[np.float32], times_s: NDArray[np.float64], *, rate_hz: float, reach_s: float
) -> NDArray[np.float32]:
    """Return the greatest value within ``reach_s`` of each time.

    Parameters
    ----------
    values
        Shape ``(..., n)``.
    times_s
        Shape ``(m,)``.
    rate_hz
        Values per second.
    reach_s
        How far from each time to look, in seconds.

    Returns
    -------
    ndarray
        Shape ``(..., m)``.
    """
    centres = np.round(times_s * rate_hz).astype(int)
    reach = round(reach_s * rate_hz)
    near = [values[..., np.clip(centres + shift, 0, values.shape[-1] - 1)] for shift in range(-reach, reach + 1)]
    strongest: NDArray[np.float32] = np.max(near, axis=0)
    return strongest

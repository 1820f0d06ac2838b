"""What sounds on each quarter of a beat of the bar, over the whole song."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bachateo.music.features import FRAME_RATE_HZ
from bachateo.music.onsets import EDGES_HZ, ONSET_RATE_HZ, Onsets, strongest_near

QUARTERS = 4  # of a beat
BAR = 4  # beats
PLACES = QUARTERS * BAR
# Bands of the network's spectrogram (24 to the octave, the lowest ones further apart) of the bass and of the chords.
BASS, CHORDS = slice(0, 14), slice(14, 80)
SOURCES = (
    *(f"onsets from {edge} Hz" for edge in EDGES_HZ[:-1]),
    "another bass note",
    "another chord",
    "a beat, by the network",
    "a downbeat, by the network",
)

Array = NDArray[np.float64]


def quarter_accents(
    halves_s: Array, *, onsets: Onsets, levels: NDArray[np.float32], activations: NDArray[np.float32]
) -> Array:
    """Return how much of each kind happens on each quarter beat.

    Parameters
    ----------
    halves_s
        Shape ``(n,)``: half beats in seconds, ascending.
    onsets
        Shape ``(6, hops)``, from :func:`bachateo.music.onsets.hear_onsets`.
    levels
        Shape ``(frames, 136)``: the magnitudes of :func:`bachateo.music.features.beat_features`.
    activations
        Shape ``(frames, 2)``, from :func:`bachateo.music.network.beat_activations`.

    Returns
    -------
    ndarray
        Shape ``(10, 2 n)``: ``SOURCES`` by quarters of a beat from the first half beat on. Each row is compared with
        its own mean and spread over the song, so that neither how loud an instrument is nor how often it plays
        matters, only where it plays.
    """
    times_s, length_s = _quarters(halves_s)
    network = np.stack((activations.sum(axis=1), activations[:, 1]))
    rows = np.vstack(
        (
            strongest_near(np.log1p(onsets), times_s, rate_hz=ONSET_RATE_HZ, reach_s=0.02),
            _change(levels[:, BASS], times_s, length_s / 2),
            _change(levels[:, CHORDS], times_s, length_s),
            strongest_near(network, times_s, rate_hz=FRAME_RATE_HZ, reach_s=0.03),
        )
    )
    spread = rows.std(axis=1, keepdims=True) + 1e-6
    usual: Array = (rows - rows.mean(axis=1, keepdims=True)) / spread
    return usual


def mean_bar(quarters: Array) -> Array:
    """Return the mean of all bars, ``(10, 16)``, where the first of ``quarters`` begins a bar."""
    whole = quarters[:, : quarters.shape[1] // PLACES * PLACES]
    return np.asarray(whole.reshape(len(whole), -1, PLACES).mean(axis=1))


def _quarters(halves_s: Array) -> tuple[Array, Array]:
    """Return when each quarter beat is, and how long its beat lasts."""
    lengths_s = np.append(np.diff(halves_s), halves_s[-1] - halves_s[-2])
    times_s = halves_s[:, None] + lengths_s[:, None] * np.arange(2) / 2
    return times_s.ravel(), 2 * lengths_s.repeat(2)


def _change(levels: NDArray[np.float32], times_s: Array, reach_s: Array) -> Array:
    """How different the spectrum is after each time from before, 0 (alike) to 2: a cosine distance."""
    sums = np.vstack((np.zeros(levels.shape[1]), np.cumsum(levels, axis=0, dtype=np.float64)))
    # One frame on either side is left out, which hears both.
    frame_s = 1 / FRAME_RATE_HZ
    before, after = (
        _mean(sums, start_s, end_s)
        for start_s, end_s in ((times_s - reach_s, times_s - frame_s), (times_s + frame_s, times_s + reach_s))
    )
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    distance: Array = 1 - (before * after).sum(axis=1) / (lengths + 1e-6)
    return distance


def _mean(sums: Array, start_s: Array, end_s: Array) -> Array:
    start, end = (np.round(at_s * FRAME_RATE_HZ).astype(int).clip(0, len(sums) - 1) for at_s in (start_s, end_s))
    mean = (sums[end] - sums[start]) / np.maximum(end - start, 1)[:, None]
    centred: Array = mean - mean.mean(axis=1, keepdims=True)
    return centred

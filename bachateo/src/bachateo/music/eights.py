"""Which bars begin an eight-count: decided over the whole song, from where the music begins something new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bachateo.music.accents import BASS, CHORDS, PLACES
from bachateo.music.features import FRAME_RATE_HZ
from bachateo.music.onsets import ONSET_RATE_HZ, Onsets

AROUND = 4  # bars on either side that a new section is unlike
PEAK = 3  # bars on either side of which it is the most unlike
TIMBRE_BANDS = 10
# What each sign says, in nats for as much above the usual as songs commonly vary. A new section says most; the chords
# say little each time, since a song repeats them, and with them its mistake.
SECTION, HARMONY, BASS_NOTE = 0.75, 0.05, 0.1
LEAST_HARMONY, LEAST_BASS, LEAST_UNLIKE = 0.05, 0.04, 0.04  # songs have twice as much and more
STRONGEST, WEAKEST = 5.0, -3.0
LONG = 5.0  # what it costs that an eight-count has a bar more, in nats
ENTRY = 0.7  # and that a song begins with the second bar of one
# After a bar that was cut short the count begins anew, or the music would not have waited.
GOES_ON = 3.0
CALIBRATION = 0.5  # of the difference to the next best count: it orders phrases, and is no measured probability

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Eights:
    """Which bars begin an eight-count.

    Attributes
    ----------
    bars
        Index of each of these bars, ascending: every second one, but where the music has a bar more.
    confidence
        How sure each is no second bar, 0.5 (as likely as not) to 1.
    """

    bars: Indices
    confidence: Array


def find_eights(
    starts_s: Array, cut_short: NDArray[np.bool_], *, onsets: Onsets, levels: NDArray[np.float32]
) -> Eights:
    """Return the bars that begin an eight-count.

    Parameters
    ----------
    starts_s
        When each bar begins, and when the last one ends, shape ``(bars + 1,)``.
    cut_short
        Which bars are no whole ones, shape ``(bars,)``.
    onsets
        Shape ``(6, hops)``, from :func:`bachateo.music.onsets.hear_onsets`.
    levels
        Shape ``(frames, 136)``: the magnitudes of :func:`bachateo.music.features.beat_features`.
    """
    votes = boundary_votes(starts_s, onsets=onsets, levels=levels)
    return _decode(votes, cut_short)


def boundary_votes(starts_s: Array, *, onsets: Onsets, levels: NDArray[np.float32]) -> Array:
    """Return what speaks for each bar that it begins an eight-count, in nats; below 0 for its being the second.

    Parameters
    ----------
    starts_s, onsets, levels
        As for :func:`find_eights`.

    Returns
    -------
    ndarray
        Shape ``(bars,)``. The first and the last bar have no say: what comes before and after is not music.
    """
    count = len(starts_s) - 1
    votes = np.zeros(count)
    if count < 3:  # noqa: PLR2004  # nothing lies between the first and the last
        return votes
    spectrum = _means(levels, starts_s * FRAME_RATE_HZ)
    chords = spectrum[:, CHORDS] - spectrum[:, CHORDS].mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(chords, axis=1)
    harmony = 1 - (chords[1:] * chords[:-1]).sum(axis=1) / (lengths[1:] * lengths[:-1] + 1e-9)
    bass = np.linalg.norm(np.diff(spectrum[:, BASS], axis=0), axis=1)
    inner = slice(1, count - 1)
    votes[inner] += HARMONY * _above_usual(harmony[:-1], LEAST_HARMONY) + BASS_NOTE * _above_usual(
        bass[:-1], LEAST_BASS
    )
    unlike = _unlike(_sound_of_bars(spectrum, starts_s, onsets))
    peaks = [value == unlike[max(0, bar - PEAK) : bar + PEAK + 1].max() for bar, value in enumerate(unlike)]
    votes[inner] += SECTION * np.where(peaks[inner], _above_usual(unlike[inner], LEAST_UNLIKE).clip(0), 0)
    return votes


def _sound_of_bars(spectrum: Array, starts_s: Array, onsets: Onsets) -> Array:
    """Return each bar's timbre and rhythm as one vector; both weigh the same."""
    quarters_s = np.linspace(starts_s[:-1], starts_s[1:], PLACES, endpoint=False, axis=1).ravel()
    rhythm = _means(np.log1p(onsets).T, np.append(quarters_s, starts_s[-1]) * ONSET_RATE_HZ).reshape(len(spectrum), -1)
    bands = np.array_split(spectrum, TIMBRE_BANDS, axis=1)
    timbre = np.stack([band.mean(axis=1) for band in bands], axis=1)
    parts = [(part - part.mean(axis=0)) / (part.std() + 1e-9) / np.sqrt(part.shape[1]) for part in (timbre, rhythm)]
    return np.hstack(parts)


def _unlike(bars: Array) -> Array:
    """Return how unlike the bars from each one on are to those before it; 0 for the first and the last."""
    last = len(bars) - 1
    unlike = np.zeros(len(bars))
    for bar in range(1, last):
        before, after = bars[max(0, bar - AROUND) : bar], bars[bar : min(last, bar + AROUND)]
        fewer = len(before) * len(after) / (len(before) + len(after))
        unlike[bar] = np.linalg.norm(after.mean(axis=0) - before.mean(axis=0)) * np.sqrt(fewer)
    return unlike


def _above_usual(values: Array, least: float) -> Array:
    """Return how far each value is above the median, in units of how far values commonly are from it."""
    median = np.median(values)
    # In a song that is always the same, what little differs means nothing.
    spread = 1.4826 * np.median(np.abs(values - median)).clip(least)
    above: Array = ((values - median) / spread).clip(WEAKEST, STRONGEST)
    return above


def _means(values: NDArray[np.float32], bounds: Array) -> Array:
    """Return the mean of the rows from each bound to the next."""
    sums = np.vstack((np.zeros(values.shape[1]), np.cumsum(values, axis=0, dtype=np.float64)))
    at = np.round(bounds).astype(int).clip(0, len(values))
    means: Array = np.diff(sums[at], axis=0) / np.maximum(np.diff(at), 1)[:, None]
    return means


def _decode(votes: Array, cut_short: NDArray[np.bool_]) -> Eights:
    """Find the best count: a bar is the first of an eight-count, the second, or one more."""
    steps = [_steps(cut_short=bool(short)) for short in cut_short[:-1]]
    gains = votes[:, None] * np.array([1.0, -1.0, -1.0])
    forward, backward = np.zeros_like(gains), np.zeros_like(gains)
    forward[0] = gains[0] - [0.0, ENTRY, np.inf]
    came_from = []
    for bar, step in enumerate(steps, 1):
        options = forward[bar - 1][:, None] + step
        # Of two that are as good the one with a bar more: so that it comes last before what says that it is there.
        came_from.append(len(options) - 1 - options[::-1].argmax(axis=0))
        forward[bar] = options.max(axis=0) + gains[bar]
    for bar, step in reversed([*enumerate(steps)]):
        backward[bar] = (step + gains[bar + 1] + backward[bar + 1]).max(axis=1)
    part = int(forward[-1].argmax())
    parts = [part]
    for before in reversed(came_from):
        part = int(before[part])
        parts.append(part)
    bars = np.flatnonzero(np.array(parts[::-1]) == 0)
    # Of each bar the best count in which it is the first of an eight, and the best in which it is not.
    both = forward[bars] + backward[bars]
    ahead = both[:, 0] - both[:, 1:].max(axis=1)
    return Eights(bars, 1 / (1 + np.exp(-CALIBRATION * ahead)))


def _steps(*, cut_short: bool) -> Array:
    """Return the log likelihood of each part of an eight-count (columns) after each (rows)."""
    never = -np.inf
    if cut_short:
        return np.array([[0.0, -GOES_ON, never]] * 3)
    return np.array([[never, 0.0, never], [0.0, never, -LONG], [0.0, never, never]])

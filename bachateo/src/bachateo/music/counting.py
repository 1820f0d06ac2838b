"""Which half beats begin a bar: decided over the whole song, from what sounds on each quarter beat of its bars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bachateo.music.accents import BAR, PLACES, QUARTERS, SOURCES

HALF_BEATS = 2 * BAR  # as many places a 1 can have on a grid of beats that may be half a beat off
WEIGHTS = "counting.csv"
# How much one bar tells, as a share of what the mean of a song does. Bars of one song make the same mistakes.
SHARE_OF_BAR = 0.2
# What it costs that a bar is cut short after so many half beats, in nats. A band that waits for two beats is common;
# half a beat is the mistake of a tracker, unless the music breaks.
CUT_SHORT = {1: 16.0, 2: 8.0, 3: 16.0, 4: 4.0, 5: 16.0, 6: 8.0, 7: 16.0}

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Bars:
    """Where the bars of a song are.

    Attributes
    ----------
    starts
        Index of the half beat on which each begins, ascending, shape ``(bars,)``. They are eight half beats apart,
        but where the music waits.
    sure
        How sure it is that the beats are where this says, and not half a beat off: above 0, at most 1.
    places
        How much it sounds like bars of a bachata from each of the eight half beats of the bars on, shape ``(8,)``.
    scores
        The first of these of each bar alone, shape ``(bars,)``.
    """

    starts: Indices
    sure: float
    places: Array
    scores: Array

    @property
    def likeness(self) -> float:
        """How much the bars sound like those of a bachata: 2.4 to 7 in bachatas, at most 1.5 in a waltz."""
        return float(self.places[0])


def find_bars(quarters: Array) -> Bars:
    """Return the bars that suit a song best.

    Parameters
    ----------
    quarters
        Shape ``(10, 2 n)`` for ``n`` half beats, from :func:`bachateo.music.accents.quarter_accents`.

    Notes
    -----
    What a bar that begins on a half beat would sound like is weighed by multinomial logistic regression over the
    eight places of a 1. The weights were learned from synthesised songs (in the repository,
    ``tests/trials/training.py``). They say what dancers are taught: the bass rests on 2 and moves on 1 and 4, the
    chord changes on 1, the low bongo sounds on 4. The best row of bars through the song is found by dynamic
    programming: one after the other, and at a cost one that is cut short.
    """
    scores = bar_scores(quarters)
    starts = _best_row(scores)
    places = [scores[starts[starts + place < len(scores)] + place] for place in range(HALF_BEATS)]
    means = np.array([place.mean() if len(place) else 0.0 for place in places])
    likelihoods = np.exp(means - means.max())
    return Bars(starts, float(likelihoods[::2].sum() / likelihoods.sum()), means, scores[starts])


def bar_scores(quarters: Array) -> Array:
    """Return how much it sounds like a bar from each half beat on, ``(n,)``; 0 where the song has no bar left."""
    bars = sliding_window_view(quarters, PLACES, axis=1)[:, :: QUARTERS // 2]
    scores: Array = np.einsum("shq,sq->h", bars, weights().reshape(len(SOURCES), PLACES))
    return np.pad(scores, (0, quarters.shape[1] // 2 - len(scores)))


def turned(accents: Array) -> Array:
    """Return mean bars ``(songs, 10, 16)`` as they are from each place on: ``(songs, 8, 160)``."""
    step = QUARTERS // 2
    views = [np.roll(accents, -step * place, axis=2).reshape(len(accents), -1) for place in range(HALF_BEATS)]
    return np.stack(views, axis=1)


@cache
def weights() -> Array:
    """Return the learned weights, ``(160,)``."""
    text = files(__package__).joinpath(WEIGHTS).read_text()
    rows = dict(line.split(";") for line in text.splitlines())
    return np.array([[float(value) for value in rows[source].split()] for source in SOURCES]).ravel()


def _best_row(scores: Array) -> Indices:
    """Return where the bars begin that are worth most together."""
    gains = (SHARE_OF_BAR * scores).tolist()
    worth = [0.0] * min(HALF_BEATS, len(gains))
    came_from = [-1] * len(worth)
    for half in range(len(worth), len(gains)):
        options = {half - HALF_BEATS: worth[half - HALF_BEATS] + gains[half - HALF_BEATS]}
        options |= {half - length: worth[half - length] - cost for length, cost in CUT_SHORT.items()}
        before = max(options, key=options.__getitem__)
        worth.append(options[before])
        came_from.append(before)
    # The last bar may be one of which the song has only a part.
    half = max(range(max(0, len(gains) - HALF_BEATS), len(gains)), key=lambda half: worth[half] + gains[half])
    starts: list[int] = []
    while half >= 0:
        starts.append(half)
        half = came_from[half]
    return np.array(starts[::-1], np.int64)

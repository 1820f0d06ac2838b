"""Which half beat is the 1: decided once for a song, from what sounds on each quarter beat of its bars."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from bachateo.music.accents import BAR, QUARTERS, SOURCES

HALF_BEATS = 2 * BAR  # as many places a 1 can have on a grid of beats that may be half a beat off
WEIGHTS = "counting.csv"

Array = NDArray[np.float64]


def find_one(accents: Array) -> tuple[int, float]:
    """Return where the 1 is.

    Parameters
    ----------
    accents
        Shape ``(10, 16)``, from :func:`bachateo.music.accents.accents`.

    Returns
    -------
    int, float
        Half beats from the first beat of the grid to a 1, 0 to 7; an odd number means that the grid was half a beat
        off. And how sure that the beats are where this says, and not half a beat off: above 0, at most 1.

    Notes
    -----
    Multinomial logistic regression over the eight places. The weights were learned from synthesised songs (in the
    repository, ``tests/trials/training.py``). They say what dancers are taught: the bass rests on 2 and moves on
    1 and 4, the chord changes on 1, the low bongo sounds on 4.
    """
    scores = turned(accents[None])[0] @ weights()
    likelihoods = np.exp(scores - scores.max())
    place = int(scores.argmax())
    return place, float(likelihoods[place % 2 :: 2].sum() / likelihoods.sum())


def turned(accents: Array) -> Array:
    """Return the accents ``(songs, 10, 16)`` as they are from each place on: ``(songs, 8, 160)``."""
    step = QUARTERS // 2
    views = [np.roll(accents, -step * place, axis=2).reshape(len(accents), -1) for place in range(HALF_BEATS)]
    return np.stack(views, axis=1)


@cache
def weights() -> Array:
    """Return the learned weights, ``(160,)``."""
    text = files(__package__).joinpath(WEIGHTS).read_text()
    rows = dict(line.split(";") for line in text.splitlines())
    return np.array([[float(value) for value in rows[source].split()] for source in SOURCES]).ravel()

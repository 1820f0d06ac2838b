"""How sure it is where a bar begins: a probability, made of how much it sounds like one from each place on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# A nat of the mean bar says so much, by 419 clips of 7 to 20 s, of which 98 % had the right bar: none of the wrong ones
# had 0.75 then, and 8 % of the right ones had less. Bars of one song make the same mistakes, so that the length of a
# clip says little more.
CALIBRATION = 1.5


def place_probabilities(scores: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely a bar begins on each place.

    Parameters
    ----------
    scores
        How much it sounds like a bar from each place on, in nats, as in :class:`bachateo.music.analysis.Analysis`.

    Returns
    -------
    ndarray
        Of the same shape; together 1.

    Examples
    --------
    >>> place_probabilities([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    nats = CALIBRATION * np.asarray(scores, np.float64)
    likelihoods = np.exp(nats - nats.max())
    probabilities: NDArray[np.float64] = likelihoods / likelihoods.sum()
    return probabilities

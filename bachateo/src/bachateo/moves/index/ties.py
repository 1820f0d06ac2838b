"""Which moves the scores of a server cannot tell apart. Their vectors are compared exactly; no others are fetched."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bachateo.moves.index.query import MOST_HITS, WEIGHTS, Scores, weighted

Rows = NDArray[np.intp]
# A server computes a similarity, ``(cos + 1) / 2``, in single precision, and was seen to be 7e-8 off: two that differ
# by less than this may be equal.
MARGIN = 5e-7
# So many vectors that are all equally near to the query's are the same vectors; one alone may be so by chance.
ENOUGH_ALIKE = 2


def unsure_at_the_cut(similarities: Scores) -> Rows:
    """Return the rows of which it is not sure whether they belong to the ``MOST_HITS`` nearest; none when it is sure.

    Parameters
    ----------
    similarities
        With the vector by which neighbours are found, shape ``(n,)``.
    """
    if len(similarities) <= MOST_HITS:
        return np.empty(0, np.intp)
    last = np.partition(similarities, -MOST_HITS)[-MOST_HITS]
    if np.count_nonzero(similarities >= last - MARGIN) == MOST_HITS:
        return np.empty(0, np.intp)
    return np.flatnonzero(np.abs(similarities - last) <= MARGIN)


def unsure_in_order(cosines: Mapping[str, Scores]) -> Rows:
    """Return the rows whose place in the order of the scores is not sure.

    Parameters
    ----------
    cosines
        With each vector of the query, each of shape ``(n,)``; 0 where a move has no such vector.
    """
    count = len(next(iter(cosines.values())))
    scores = weighted({name: (cosines.get(name, np.zeros(count)) + 1) / 2 for name in WEIGHTS})
    order = np.argsort(-scores)
    runs = np.split(order, np.flatnonzero(np.diff(-scores[order]) > MARGIN) + 1)
    unsure = [run for run in runs if len(run) > 1 and not _are_alike(cosines, run)]
    return np.sort(np.concatenate(unsure)) if unsure else np.empty(0, np.intp)


def _are_alike(cosines: Mapping[str, Scores], run: Rows) -> bool:
    compared = [values[run] for values in cosines.values() if values[run].any()]
    return len(compared) >= ENOUGH_ALIKE and all((values == values[0]).all() for values in compared)

"""Which moves the similarities of a server cannot tell apart."""

from __future__ import annotations

import numpy as np

from bachateo.moves.index.query import MOST_HITS
from bachateo.moves.index.ties import MARGIN, unsure_at_the_cut, unsure_in_order


def _falling(count: int) -> np.ndarray:
    return np.linspace(0.9, 0.1, count)


def test_cut__no_more_than_fit__is_sure() -> None:
    assert unsure_at_the_cut(np.full(MOST_HITS, 0.7)).tolist() == []


def test_cut__clear_gap__is_sure() -> None:
    assert unsure_at_the_cut(_falling(400)).tolist() == []


def test_cut__last_and_next_nearly_equal__are_both_unsure() -> None:
    similarities = _falling(400)
    similarities[MOST_HITS] = similarities[MOST_HITS - 1] - MARGIN / 2
    assert unsure_at_the_cut(similarities).tolist() == [MOST_HITS - 1, MOST_HITS]


def test_cut__nearly_equal_but_both_inside__is_sure() -> None:
    similarities = _falling(400)
    similarities[MOST_HITS - 2] = similarities[MOST_HITS - 1] + MARGIN / 2
    assert unsure_at_the_cut(similarities).tolist() == []


def test_order__nearly_equal_scores__are_unsure_as_a_run() -> None:
    audio = _falling(6)
    audio[3] = audio[2] - MARGIN
    audio[4] = audio[3] - MARGIN
    # 0.35 of half of it is in the score.
    assert unsure_in_order({"audio": audio}).tolist() == [2, 3, 4]


def test_order__one_vector_equally_near__may_be_chance() -> None:
    assert unsure_in_order({"audio": np.array([0.5, 0.2, 0.5])}).tolist() == [0, 2]


def test_order__two_vectors_equally_near__are_the_same_vectors() -> None:
    alike = {"audio": np.array([0.5, 0.2, 0.5]), "text": np.array([0.1, 0.9, 0.1])}
    assert unsure_in_order(alike).tolist() == []
    lacking = {"audio": alike["audio"], "text": np.array([0.0, 0.9, 0.0])}
    assert unsure_in_order(lacking).tolist() == [0, 2]

from __future__ import annotations

import numpy as np
import pytest

from bachateo.music.accents import PLACES, SOURCES
from bachateo.music.counting import find_one, turned, weights
from tests.trials.training import examples_of, learn, write_weights


def _accents(**rows: list[int]) -> np.ndarray:
    """A bar in which each source sounds on some quarters of a beat."""
    bar = np.zeros((len(SOURCES), PLACES))
    for source, places in rows.items():
        bar[SOURCES.index(source.replace("_", " ")), places] = 2
    return bar - bar.mean(axis=1, keepdims=True)


# The bass moves on 1, 3 and 4, the chord changes on 1.
BACHATA = _accents(another_bass_note=[0, 8, 12], another_chord=[0, 1])


@pytest.mark.parametrize("halves", range(8))
def test_find_one__bass_and_chord__say_where_it_is(halves: int) -> None:
    place, sure = find_one(np.roll(BACHATA, 2 * halves, axis=1))

    assert place == halves
    assert sure > 0.5


def test_find_one__nothing_happens__is_not_sure() -> None:
    assert find_one(np.zeros((len(SOURCES), PLACES)))[1] == pytest.approx(0.5)


def test_turned__each_place__begins_there() -> None:
    views = turned(BACHATA[None])

    np.testing.assert_array_equal(views[0, 3].reshape(BACHATA.shape)[:, 0], BACHATA[:, 6])


def test_learn__examples_with_one_cue__finds_the_cue(tmp_path) -> None:
    rng = np.random.default_rng(0)
    cue = _accents(another_chord=[0])
    learned = learn(np.array([cue + rng.normal(0, 0.3, cue.shape) for _ in range(40)]))

    assert np.argmax(learned) == SOURCES.index("another chord") * PLACES
    write_weights(learned, tmp_path / "counting.csv")
    assert (tmp_path / "counting.csv").read_text().splitlines()[-1].startswith("a downbeat, by the network;")


@pytest.mark.parametrize("kind", ["off-beat", "bare"])
def test_examples_of__songs_not_learned_from__are_counted_rightly(kind: str) -> None:
    views = turned(np.array(examples_of(kind, 3)[:1]))
    scores = views[0] @ weights()

    assert scores.argmax() == 0
    assert (views[0] @ -weights()).argmax() != 0, "other weights would be noticed"

from __future__ import annotations

import numpy as np
import pytest

from bachateo.music.accents import PLACES, SOURCES
from bachateo.music.counting import find_bars, turned, weights
from tests.trials.training import examples_of, learn, write_weights


def _accents(**rows: list[int]) -> np.ndarray:
    """A bar in which each source sounds on some quarters of a beat."""
    bar = np.zeros((len(SOURCES), PLACES))
    for source, places in rows.items():
        bar[SOURCES.index(source.replace("_", " ")), places] = 2
    return bar - bar.mean(axis=1, keepdims=True)


# The bass moves on 1, 3 and 4, the chord changes on 1.
BACHATA = _accents(another_bass_note=[0, 8, 12], another_chord=[0, 1])


def _song(*parts: int, noise: float = 0.0) -> np.ndarray:
    """Bars one after the other, between them as many half beats of a bar as the song has more."""
    quarters = [np.tile(BACHATA, part) if part > 0 else BACHATA[:, : -2 * part] for part in parts]
    song = np.concatenate(quarters, axis=1)
    return song + np.random.default_rng(3).normal(0, noise, song.shape)


@pytest.mark.parametrize("halves", range(8))
def test_find_bars__bass_and_chord__say_where_they_begin(halves: int) -> None:
    bars = find_bars(np.roll(_song(12), 2 * halves, axis=1))

    assert bars.starts[0] == halves
    assert set(np.diff(bars.starts)) == {8}
    assert bars.sure > 0.5


def test_find_bars__band_waits_for_two_beats__begin_anew_after_them() -> None:
    bars = find_bars(_song(12, -4, 12, noise=0.5))

    np.testing.assert_array_equal(np.diff(bars.starts), [8] * 12 + [4] + [8] * 11)


def test_find_bars__one_bar_is_unlike_the_others__go_on_as_they_were() -> None:
    """The planted fault: what sounds like a wait of two beats in one bar alone does not move the count."""
    song = _song(24, noise=0.5)
    song[:, 160:176] = np.roll(song[:, 160:176], 8, axis=1)

    assert set(np.diff(find_bars(song).starts)) == {8}


def test_find_bars__off_beats_for_a_verse__do_not_flip_the_song() -> None:
    song = _song(30, noise=0.3)
    song[:, 160:240] = np.roll(song[:, 160:240], 2, axis=1)

    assert set(np.diff(find_bars(song).starts)) == {8}


def test_find_bars__nothing_happens__is_not_sure() -> None:
    assert find_bars(np.zeros((len(SOURCES), 10 * PLACES))).sure == pytest.approx(0.5)


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
@pytest.mark.thinned(to_one_in=2)
def test_examples_of__songs_not_learned_from__are_counted_rightly(kind: str) -> None:
    views = turned(np.array(examples_of(kind, 3)[:1]))
    scores = views[0] @ weights()

    assert scores.argmax() == 0
    assert (views[0] @ -weights()).argmax() != 0, "other weights would be noticed"

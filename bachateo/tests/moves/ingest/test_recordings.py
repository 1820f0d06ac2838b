"""Films cut from one recording: found by their sound, and counted alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bachateo.moves.ingest.landmarks import LARGEST, Overlap, find_overlaps, landmarks
from bachateo.moves.ingest.recordings import KNOWN, Counted, agree, with_contradictions
from bachateo.moves.ingest.report import MARGIN
from bachateo.music.instruments import RATE_HZ
from bachateo.music.song import SAMPLE_RATE_HZ

BEAT_S = 0.5
LOOP_S = 16 * 0.4  # the synthesised music is the same again after 16 beats
Music = tuple[NDArray[np.float32], tuple[float, ...]]


def _cut(music: Music, start_s: float, *, seconds: float = 10, noise: float = 0.0, loud: float = 1.0) -> np.ndarray:
    """Return a part of the music as a film of it has it: mono, at another rate, louder or softer, with noise."""
    samples = music[0].mean(axis=0)
    at = (start_s + np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ) * RATE_HZ
    heard = np.interp(at, np.arange(len(samples)), samples) * loud
    return (heard + np.random.default_rng(round(100 * start_s)).normal(0, noise, len(at))).astype(np.float32)


def test_find_overlaps__parts_of_one_recording__says_how_far_apart_they_are(music: Music) -> None:
    starts_s = {"a": 1.0, "b": 6.37, "c": 12.0}
    films = {name: landmarks(_cut(music, at, noise=0.01, loud=0.5), 0.0) for name, at in starts_s.items()}

    found = {(overlap.one, overlap.other): overlap.later_s for overlap in find_overlaps(films)}

    for one, other in (("a", "b"), ("b", "c")):
        wrong_s = found[one, other] - (starts_s[other] - starts_s[one])
        assert abs(wrong_s - LOOP_S * round(wrong_s / LOOP_S)) < 0.05


def test_find_overlaps__sound_that_begins_later_in_the_film__is_in_the_time_of_the_film(music: Music) -> None:
    films = {"a": landmarks(_cut(music, 2.0), 0.0), "b": landmarks(_cut(music, 4.0), 0.7)}

    (overlap,) = find_overlaps(films)

    assert overlap.later_s == pytest.approx(2.0 - 0.7, abs=0.05)


def test_find_overlaps__noise_and_silence__share_nothing(music: Music) -> None:
    rng = np.random.default_rng(1)
    films = {
        "music": landmarks(_cut(music, 2.0), 0.0),
        "noise": landmarks(rng.normal(0, 0.1, 10 * SAMPLE_RATE_HZ).astype(np.float32), 0.0),
        "other noise": landmarks(rng.normal(0, 0.1, 10 * SAMPLE_RATE_HZ).astype(np.float32), 0.0),
        "silence": landmarks(np.zeros(10 * SAMPLE_RATE_HZ, np.float32), 0.0),
        "not listened to": [],
    }

    assert find_overlaps(films) == []
    assert find_overlaps({"silence": films["silence"]}) == []
    assert all(0 <= landmark < LARGEST for landmark in films["music"][::2])


SURE = (3.0, *7 * (0.0,))
SECOND = (0.5, *5 * (0.0,), 0.4, 0.0)  # three beats later is nearly as good


def _film(one: int, *, beats: int = 24, weight: float = 20.0, scores: tuple[float, ...] = SURE) -> Counted:
    """A film of a recording at a beat a half second."""
    return Counted(tuple((0.1 + BEAT_S * np.arange(beats)).tolist()), one, weight, scores, count_confidence=0.7)


def _overlap(one: str, other: str, beats: float, common: int = 100) -> Overlap:
    return Overlap(one, other, beats * BEAT_S, common)


def _ones(films: dict[str, Counted], begins: dict[str, float]) -> set[float]:
    """Return on which beats of the recording, modulo eight, the films have their 1."""
    return {
        round((begins[name] + (film.beats_s[film.first_count] - 0.1) / BEAT_S) % 8, 2) for name, film in films.items()
    }


BEGINS = {"a": 0.0, "b": 6.0, "c": 13.0}
OVERLAPS = [_overlap("a", "b", 6.0), _overlap("b", "c", 7.0, 60)]


def test_agree__one_of_three_contradicts__all_get_the_1_of_the_others() -> None:
    heard = {"a": _film(3), "b": _film(5), "c": _film(0)}
    assert _ones(heard, BEGINS) == {3.0, 5.0}, "c says 5, the others 3"

    agreed = agree(heard, OVERLAPS)

    assert _ones(agreed, BEGINS) == {3.0}
    assert {film.votes for film in agreed.values()} == {3}
    assert all(film.share == pytest.approx(2 / 3, abs=1e-3) for film in agreed.values())
    assert all(film.share < MARGIN for film in agreed.values())


def test_agree__all_say_the_same__is_sure() -> None:
    heard = {"a": _film(3), "b": _film(5), "c": _film(6)}

    agreed = agree(heard, OVERLAPS)

    assert _ones(agreed, BEGINS) == {3.0}
    assert {(film.share, film.count_share) for film in agreed.values()} == {(1.0, 1.0)}
    assert {film.bar_confidence for film in agreed.values()} == {agree(heard, [])["a"].bar_confidence}


def test_agree__two_that_are_not_sure__follow_the_one_that_is() -> None:
    """The evidence of each counts, not its vote alone: two that took the second best bar are no majority."""
    heard = {"a": _film(3, scores=SURE), "b": _film(0, scores=SECOND), "c": _film(1, scores=SECOND)}
    assert _ones({"b": heard["b"], "c": heard["c"]}, BEGINS) == {6.0}, "both say 6, or three beats later 9"

    agreed = agree({**heard, "a": _film(1)}, OVERLAPS)

    assert _ones(agreed, BEGINS) == {1.0}
    assert all(film.bar_confidence < agree(heard, [])["a"].bar_confidence for film in agreed.values())
    assert all(film.share < MARGIN for film in agreed.values())


@pytest.mark.parametrize(("scores", "sure"), [(SURE, True), (SECOND, False)])
def test_agree__alone__is_as_sure_as_it_was_heard(scores: tuple[float, ...], sure: bool) -> None:
    (film,) = agree({"a": _film(3, scores=scores)}, []).values()

    assert (film.bar_confidence >= MARGIN) is sure
    assert (film.first_count, film.share, film.count_confidence) == (3, 1.0, 0.7)


def test_agree__a_1_here_is_a_5_there__is_one_bar_and_the_1_of_most() -> None:
    agreed = agree({"a": _film(3), "b": _film(1), "c": _film(6)}, OVERLAPS)

    assert _ones(agreed, BEGINS) == {3.0}
    assert {film.share for film in agreed.values()} == {1.0}, "the bar is sure"
    assert all(film.count_share == pytest.approx(2 / 3, abs=1e-3) for film in agreed.values())
    assert all(0.5 <= film.count_confidence < 0.7 for film in agreed.values())


def test_agree__half_a_beat_off__gets_the_beats_of_the_others() -> None:
    late = _film(5)
    heard = {
        "a": _film(3),
        "b": replace(late, beats_s=tuple(at + BEAT_S / 2 for at in late.beats_s)),
        "c": _film(6),
    }

    agreed = agree(heard, OVERLAPS)

    assert _ones(agreed, BEGINS) == {3.0}
    beats = (np.array(agreed["b"].beats_s) - 0.1) / BEAT_S
    assert np.allclose(beats, np.round(beats), atol=1e-3)


def test_agree__two_that_contradict__the_clearer_one_and_a_share_below_the_margin() -> None:
    agreed = agree({"a": _film(3, weight=30.0), "b": _film(0, weight=20.0)}, OVERLAPS[:1])

    assert _ones(agreed, {"a": 0.0, "b": 6.0}) == {3.0}
    assert agreed["b"].share == pytest.approx(0.6)


def test_agree__person_who_knows__outvotes_what_was_heard() -> None:
    agreed = agree({"a": _film(3, weight=2000.0, scores=KNOWN), "b": _film(0), "c": _film(1)}, OVERLAPS)

    assert _ones(agreed, BEGINS) == {3.0}
    assert agreed["c"].share > MARGIN
    assert agreed["c"].bar_confidence > 0.99


def test_agree__nothing_shared__is_as_it_was_heard() -> None:
    heard = {"a": _film(3), "b": _film(0)}
    alone = {name: agree({name: film}, [])[name] for name, film in heard.items()}

    assert agree(heard, []) == alone
    # What would put the beats between each other is no overlap.
    assert agree(heard, [_overlap("a", "b", 6.25 - 0.02)]) == alone


def test_agree__overlap_between_beats__is_not_believed() -> None:
    heard = {"a": _film(3), "b": _film(0)}

    assert agree(heard, [_overlap("a", "b", 6.25)]) == agree(heard, [])
    assert agree(heard, [_overlap("a", "b", 60.0)]) == agree(heard, []), "no beat of one is in the other"


def test_with_contradictions__other_beats_in_the_same_sound__name_each_other() -> None:
    between = [_overlap("a", "b", 6.25)]

    told = with_contradictions(agree({"a": _film(3), "b": _film(5), "c": _film(6)}, between), between)

    assert (told["a"].contradicted_by, told["b"].contradicted_by, told["c"].contradicted_by) == (("b",), ("a",), ())


def test_with_contradictions__films_that_agreed__contradict_nothing() -> None:
    """The planted fault beside it: as they were heard they do."""
    heard = {"a": _film(3), "b": _film(5), "c": _film(0)}

    assert with_contradictions(heard, OVERLAPS)["c"].contradicted_by == ("b",)
    assert not any(film.contradicted_by for film in with_contradictions(agree(heard, OVERLAPS), OVERLAPS).values())
    assert not any(film.contradicted_by for film in with_contradictions(heard, [_overlap("a", "c", 60.0)]).values())

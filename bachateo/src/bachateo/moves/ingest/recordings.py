"""The 1 of films that share a recording: what each heard is evidence, and all of them get the same 1."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bachateo.moves.ingest.landmarks import Overlap
from bachateo.moves.library import COUNTS
from bachateo.music.certainty import place_probabilities

HALVES = 2 * COUNTS  # half beats of an eight-count
BAR = COUNTS  # half beats
NEAR = 0.2  # of a beat: two films whose beats are no nearer do not share what they seem to
SAID = 100.0  # times as much as what is heard weighs a person who says where the 1 is
KNOWN = (20.0, *(BAR - 1) * [0.0])  # the scores of a bar of which a person says where it begins
SUREST = 0.999  # more than this is never heard

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Counted:
    """The beats of a film, and which of them is a 1.

    Attributes
    ----------
    beats_s
        When each beat falls in the film.
    first_count
        Index of a 1 among them.
    weight
        How much its evidence counts: the more, the longer and the clearer it was heard.
    bar_scores
        How much it sounds like bars that begin on this 1, half a beat later … three and a half beats later, in nats.
    count_confidence
        How sure it is that this 1 is no 5.
    bar_confidence
        How sure it is that this is a 1 or a 5, with the evidence of all films that share the recording.
    votes, share
        How many films with the same recording were asked, and which share of the votes the bar got that begins here;
        1 and 1.0 where no other film shares it.
    count_share
        Which share of the votes for this bar say that it begins with a 1 and not with a 5.
    contradicted_by
        Films that share the recording and keep another 1.
    on_five
        Whether ``first_count`` is a 5, because the film is too short from its 1 on.
    """

    beats_s: tuple[float, ...]
    first_count: int
    weight: float
    bar_scores: tuple[float, ...]
    count_confidence: float = 1.0
    bar_confidence: float = 1.0
    votes: int = 1
    share: float = 1.0
    count_share: float = 1.0
    contradicted_by: tuple[str, ...] = ()
    on_five: bool = False


def agree(films: Mapping[str, Counted], overlaps: Iterable[Overlap]) -> dict[str, Counted]:
    """Return the films, counted alike where they share a recording.

    Parameters
    ----------
    films
        As each was heard.
    overlaps
        Which of them share a recording, those that are surest first.

    Notes
    -----
    Beats are numbered in halves through a recording, from film to film over what they share. First the bar is decided,
    by the mean of what was heard in all films: as if they were one, since what two films have in common is no evidence
    twice. Then the films that heard this bar say whether it begins with a 1 or a 5. A film that was half a beat off
    gets its beats between those that were heard.
    """
    places = _places(films, overlaps)
    groups: dict[str, list[str]] = defaultdict(list)
    for name, (group, _) in places.items():
        groups[group].append(name)
    agreed: dict[str, Counted] = {}
    for names in groups.values():
        agreed |= _agreed({name: (films[name], places[name][1]) for name in names})
    return {name: agreed[name] for name in films}


def with_contradictions(films: Mapping[str, Counted], overlaps: Iterable[Overlap]) -> dict[str, Counted]:
    """Return the films, each with the names of those that share its recording and still keep another 1.

    Parameters
    ----------
    films
        As they will be cut.
    overlaps
        Which of them share a recording.
    """
    against: dict[str, list[str]] = defaultdict(list)
    for overlap in overlaps:
        if _contradict(films[overlap.one], films[overlap.other], overlap.later_s):
            against[overlap.one].append(overlap.other)
            against[overlap.other].append(overlap.one)
    return {name: replace(film, contradicted_by=tuple(against[name])) for name, film in films.items()}


def _places(films: Mapping[str, Counted], overlaps: Iterable[Overlap]) -> dict[str, tuple[str, int]]:
    """Return of each film the recording, by the name of one of its films, and the half beat of its first beat there."""
    places = {name: (name, 0) for name in films}
    for overlap in overlaps:
        (group, base), (other_group, other_base) = places[overlap.one], places[overlap.other]
        apart = _halves_apart(films[overlap.one], films[overlap.other], overlap.later_s)
        if group == other_group or apart is None:
            continue
        shift = base + apart - other_base
        for name, (own, place) in places.items():
            if own == other_group:
                places[name] = (group, place + shift)
    return places


def _halves_apart(one: Counted, other: Counted, later_s: float) -> int | None:
    """Return on which half beat of ``one`` the first beat of ``other`` falls; ``None`` if on none."""
    beats = _beats_apart(one, other, later_s)
    if not len(beats):
        return None
    apart = float(np.median(beats))
    halves = round(2 * apart)
    return halves if abs(apart - halves / 2) <= NEAR / 2 else None


def _beats_apart(one: Counted, other: Counted, later_s: float) -> Array:
    """Return how many beats later each beat of ``other`` is than the one of ``one`` with the same number."""
    times_s = np.asarray(other.beats_s) + later_s
    inside = (times_s >= one.beats_s[0]) & (times_s <= one.beats_s[-1])
    apart: Array = np.interp(times_s[inside], one.beats_s, np.arange(len(one.beats_s))) - np.flatnonzero(inside)
    return apart


def _contradict(one: Counted, other: Counted, later_s: float) -> bool:
    """Whether most of what both films have is counted differently."""
    beats = _beats_apart(one, other, later_s) - one.first_count + other.first_count
    off = np.abs((beats + COUNTS / 2) % COUNTS - COUNTS / 2)
    return len(off) > 0 and float(np.median(off)) > NEAR


def _agreed(films: Mapping[str, tuple[Counted, int]]) -> dict[str, Counted]:
    """Return films of one recording, counted alike.

    Parameters
    ----------
    films
        Each, and the half beat of the recording that its first beat is on.
    """
    ones = {name: base + 2 * film.first_count for name, (film, base) in films.items()}
    weights = np.array([film.weight for film, _ in films.values()])
    shares = weights / weights.sum()
    heard = np.stack([np.roll(film.bar_scores, ones[name]) for name, (film, _) in films.items()])
    probabilities = place_probabilities(shares @ heard)
    # A film that shares nothing keeps the bar that it was heard with.
    bar = int(probabilities.argmax()) if len(films) > 1 else next(iter(ones.values())) % BAR
    for_bar = np.array([one % BAR == bar for one in ones.values()])
    # Log odds that the bar begins with a 1 and not with a 5.
    sure = np.array([film.count_confidence for film, _ in films.values()]).clip(0.5, SUREST)
    first = np.where(np.array([one % HALVES == bar for one in ones.values()]), 1.0, -1.0) * np.log(sure / (1 - sure))
    odds = float((first * shares)[for_bar].sum() / max(shares[for_bar].sum(), 1e-9))
    one = bar if odds >= 0 else bar + BAR
    said = np.array([number % HALVES == one for number in ones.values()])
    return {
        name: replace(
            _moved(film, one - base),
            bar_confidence=round(float(probabilities[bar]), 3),
            count_confidence=round(float(1 / (1 + np.exp(-abs(odds)))), 3),
            votes=len(films),
            share=round(float(shares[for_bar].sum()), 3),
            count_share=round(float(shares[said].sum() / max(shares[for_bar].sum(), 1e-9)), 3),
        )
        for name, (film, base) in films.items()
    }


def _moved(film: Counted, one: int) -> Counted:
    """Return the film with a 1 so many half beats after its first beat."""
    if one % 2 == 0:
        return replace(film, first_count=one // 2 % COUNTS)
    beats_s = np.asarray(film.beats_s)
    between = tuple(np.round((beats_s[:-1] + beats_s[1:]) / 2, 4).tolist())
    return replace(film, beats_s=between, first_count=(one - 1) // 2 % COUNTS)

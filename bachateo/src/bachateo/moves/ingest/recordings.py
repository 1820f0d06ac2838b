"""The 1 of films that share a recording: what each heard is a vote, and all of them get the same 1."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bachateo.moves.ingest.landmarks import Overlap
from bachateo.moves.library import COUNTS

HALVES = 2 * COUNTS  # half beats of an eight-count
BAR = COUNTS  # half beats
NEAR = 0.2  # of a beat: two films whose beats are no nearer do not share what they seem to
SAID = 100.0  # a person who says where the 1 is knows it
MARGIN = 0.75  # share of the votes below which a person is asked to look


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
        How much its vote counts.
    votes, share
        How many films with the same recording were asked, and which share of the votes this 1 got; 1 and 1.0 where no
        other film shares it.
    on_five
        Whether ``first_count`` is a 5, because the film is too short from its 1 on.
    """

    beats_s: tuple[float, ...]
    first_count: int
    weight: float
    votes: int = 1
    share: float = 1.0
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
    Beats are numbered in halves through a recording, from film to film over what they share. Each film votes for the
    half beat that its 1 is on. First the bar is decided, in which all 1s and 5s count, then which of both is the 1. A
    film that was half a beat off gets its beats between those that were heard.
    """
    places = _places(films, overlaps)
    groups: dict[str, list[str]] = defaultdict(list)
    for name, (group, _) in places.items():
        groups[group].append(name)
    agreed = dict(films)
    for names in groups.values():
        if len(names) > 1:
            one, share = _voted({name: places[name][1] for name in names}, films)
            for name in names:
                agreed[name] = replace(
                    _moved(films[name], one - places[name][1]), votes=len(names), share=round(share, 3)
                )
    return agreed


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
    times_s = np.asarray(other.beats_s) + later_s
    inside = (times_s >= one.beats_s[0]) & (times_s <= one.beats_s[-1])
    if not inside.any():
        return None
    at = np.interp(times_s[inside], one.beats_s, np.arange(len(one.beats_s)))
    apart = float(np.median(at - np.flatnonzero(inside)))
    halves = round(2 * apart)
    return halves if abs(apart - halves / 2) <= NEAR / 2 else None


def _voted(bases: Mapping[str, int], films: Mapping[str, Counted]) -> tuple[int, float]:
    """Return the half beat of the recording that is a 1, and the share of the votes for the bar that it begins."""
    votes = np.zeros(HALVES)
    for name, base in bases.items():
        votes[(base + 2 * films[name].first_count) % HALVES] += films[name].weight
    bars = votes[:BAR] + votes[BAR:]
    bar = int(bars.argmax())
    one = bar if votes[bar] >= votes[bar + BAR] else bar + BAR
    return one, float(bars[bar] / bars.sum())


def _moved(film: Counted, one: int) -> Counted:
    """Return the film with a 1 so many half beats after its first beat."""
    if one % 2 == 0:
        return replace(film, first_count=one // 2 % COUNTS)
    beats_s = np.asarray(film.beats_s)
    between = tuple(np.round((beats_s[:-1] + beats_s[1:]) / 2, 4).tolist())
    return replace(film, beats_s=between, first_count=(one - 1) // 2 % COUNTS)

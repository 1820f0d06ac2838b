"""Which clips show the same clothes, by their colours."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bachateo.moves.ingest.watching import COLOURS

Array = NDArray[np.float64]
Colours = Sequence[Sequence[float]]  # a number of a colour, and how much there is of it

# One less the cosine of the colours of two films. Of six real ones of a couple that changed its clothes: 0.26 at most
# for a film in other light or mirrored, 0.16 to 0.52 for other films in the same clothes, 0.54 to 0.81 in others.
NEARLY, SAME = 0.2, 0.5
# Colours that all films have, as skin and hair, tell little: this share of the mean is added before they are divided.
COMMON = 2.0


def wardrobes(colours: Mapping[str, Colours], said: Mapping[str, str]) -> dict[str, str]:
    """Name the clothes of each film: those that look alike share a name.

    Parameters
    ----------
    colours
        Of each film, as :class:`bachateo.moves.ingest.watching.Watching` saw them.
    said
        The words that people have noted for some of the films.

    Returns
    -------
    dict
        What was said of the film, or of most films in the same clothes; otherwise ``outfit 1``, ``outfit 2`` … in the
        order in which the films come. Empty where nothing was seen.
    """
    films = [film for film, seen in colours.items() if seen]
    groups = dict(zip(films, _groups(_vectors([colours[film] for film in films])), strict=True)) if films else {}
    words: dict[int, str] = {}
    for group in groups.values():
        told = Counter(said[film] for film, own in groups.items() if own == group and said.get(film))
        words.setdefault(group, told.most_common(1)[0][0] if told else f"outfit {len(words) + 1}")
    return {film: said.get(film) or (words[groups[film]] if film in groups else "") for film in colours}


def joined(parts: Iterable[Colours]) -> Colours:
    """Return the colours of a film of which several parts were seen."""
    total: dict[int, float] = defaultdict(float)
    for part in parts:
        for colour, share in part:
            total[int(colour)] += share
    return [*total.items()]


def _vectors(seen: Sequence[Colours]) -> Array:
    shares = np.zeros((len(seen), COLOURS))
    for row, colours in enumerate(seen):
        for colour, share in colours:
            shares[row, int(colour)] = share
    shares /= shares.sum(axis=1, keepdims=True)
    often = shares.mean(axis=0)
    told = np.sqrt(shares / (often + COMMON * often.mean()))
    return np.asarray(told / np.linalg.norm(told, axis=1, keepdims=True))


@dataclass
class _Group:
    total: Array
    rows: list[int]

    def likeness(self, other: Array) -> float:
        return float(self.total @ other) / len(self.rows)


def _groups(vectors: Array) -> list[int]:
    """Return the number of each row's group.

    First what is nearly equal is put together, in one pass, so that a library of any size takes no time; then the
    groups that are most alike in the mean of all pairs, as long as they are alike enough.
    """
    groups: list[_Group] = []
    for row, vector in enumerate(vectors):
        alike = [group.likeness(vector) for group in groups]
        if alike and max(alike) >= 1 - NEARLY:
            group = groups[int(np.argmax(alike))]
            group.total = group.total + vector
            group.rows.append(row)
        else:
            groups.append(_Group(vector, [row]))
    while len(groups) > 1:
        means = np.array([group.total / len(group.rows) for group in groups])
        alike_all = means @ means.T
        np.fill_diagonal(alike_all, 0)
        one, other = sorted(divmod(int(alike_all.argmax()), len(groups)))
        if alike_all[one, other] < 1 - SAME:
            break
        taken = groups.pop(other)
        groups[one] = _Group(groups[one].total + taken.total, groups[one].rows + taken.rows)
    found = {row: number for number, group in enumerate(groups) for row in group.rows}
    return [found[row] for row in range(len(vectors))]

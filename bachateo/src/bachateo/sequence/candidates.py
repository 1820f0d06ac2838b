"""Which moves the search looks at: all of a small library, the promising ones of a large one.

What the pruning gives up
-------------------------
Let ``2 * MOST`` be the most that the joins of a move can differ from those of another in its place. A clip that costs
more than this above the cheapest clip of the same label, length and role can be replaced by that one in any
choreography, and it becomes cheaper. And of ``2 * WINDOW + 1`` labels of one length, at least one is neither danced in
the window before nor in the one after; so a label that costs more than this above the ``2 * WINDOW + 1``-th cheapest
is never needed. What the pruning drops within these margins (it keeps a fixed number of labels, and of each the
cheapest clips and those of the wardrobes that could dance the whole song cheapest) can therefore cost at most
``2 * MOST`` at each move, and only when its joins are perfect where those of everything kept are bad.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bachateo.sequence.costs import PlaceCosts
from bachateo.sequence.table import Array, MoveTable, Rows

ALL_UP_TO = 128  # of so many, nothing is dropped
LABELS = 16  # labels kept of each length and role; at least 2 * WINDOW + 1
CLIPS = 2  # cheapest clips kept of each
WARDROBES = 3  # and the cheapest in each of so many wardrobes
SAMPLES = 12  # eight-counts looked at to choose these wardrobes


@dataclass(frozen=True)
class PlaceCandidates:
    """The moves that may begin in an eight-count.

    Attributes
    ----------
    rows
        Rows of the table, ascending.
    costs
        What each costs there.
    spans
        How many eight-counts each fills.
    """

    rows: Rows
    costs: Array
    spans: Rows


def find_candidates(costs: PlaceCosts) -> list[PlaceCandidates]:
    """Return the candidates of each eight-count."""
    slots = len(costs.phrases)
    if len(costs.allowed) <= ALL_UP_TO:
        return [_place(costs, slot) for slot in range(slots)]
    sampled = np.unique(np.linspace(0, slots - 1, SAMPLES).astype(int)).tolist()
    samples = {slot: _place(costs, slot) for slot in sampled}
    wardrobes = _favourites([*samples.values()], costs.table)
    places = (samples[slot] if slot in samples else _place(costs, slot) for slot in range(slots))
    return [_prune(place, costs.table, wardrobes) for place in places]


def _place(costs: PlaceCosts, slot: int) -> PlaceCandidates:
    rows = costs.possible(slot)
    total = np.sum([*costs.parts(rows, slot).values()], axis=0)
    return PlaceCandidates(rows, total, costs.spans(rows, slot))


def _favourites(places: list[PlaceCandidates], table: MoveTable) -> Rows:
    """Return the wardrobes in which the song could be danced cheapest."""
    sums = np.zeros(len(table.wardrobes))
    for place in places:
        cheapest = np.full(len(sums), place.costs.max(initial=0.0))
        np.minimum.at(cheapest, table.wardrobe[place.rows], place.costs / place.spans)
        sums += cheapest
    return np.argsort(sums, kind="stable")[:WARDROBES]


def _prune(place: PlaceCandidates, table: MoveTable, wardrobes: Rows) -> PlaceCandidates:
    if len(place.rows) <= ALL_UP_TO:
        return place
    groups = table.group[place.rows]
    left = place.costs.copy()
    kept: list[Rows] = []
    for _ in range(CLIPS):
        best = _cheapest_of_runs(left, groups)
        kept.append(_first_of_each_length(best, left, table, place.rows))
        left[best] = np.inf
    for wardrobe in wardrobes:
        inside = np.flatnonzero(table.wardrobe[place.rows] == wardrobe)
        best = inside[_cheapest_of_runs(place.costs[inside], groups[inside])]
        kept.append(_first_of_each_length(best, place.costs, table, place.rows))
    chosen = np.unique(np.concatenate(kept))
    return PlaceCandidates(place.rows[chosen], place.costs[chosen], place.spans[chosen])


def _cheapest_of_runs(costs: Array, groups: Rows) -> Rows:
    """Return the index of the cheapest of each run of equal groups; infinite ones are left out."""
    if not len(groups):
        return np.arange(0)
    starts = np.flatnonzero(np.diff(groups, prepend=groups[0] - 1))
    least = np.minimum.reduceat(costs, starts)
    cheapest = np.flatnonzero(costs == np.repeat(least, np.diff(starts, append=len(groups))))
    cheapest = cheapest[np.isfinite(costs[cheapest])]
    first: Rows = np.unique(groups[cheapest], return_index=True)[1]
    return cheapest[first]


def _first_of_each_length(best: Rows, costs: Array, table: MoveTable, rows: Rows) -> Rows:
    """Keep of the best clips of each label the ``LABELS`` cheapest of each length and role."""
    kinds = table.eight_counts[rows[best]] * 3 + table.role[rows[best]]
    ordered = best[np.argsort(costs[best], kind="stable")]
    kinds = kinds[np.argsort(costs[best], kind="stable")]
    parts = [ordered[kinds == kind][:LABELS] for kind in np.unique(kinds)]
    return np.concatenate(parts) if parts else best

"""The cheapest path of moves through the whole song, by dynamic programming.

The song is a row of eight-counts. A state is where the dancers are in that row, which clip they danced last (its end
pose decides the next join), which labels they danced in the last ``WINDOW`` eight-counts (they decide what would be
a repetition) and which films were shown before (to show one again costs). States that agree in the first three have
the same future but for the films; where there are many, only the cheapest of them is kept.

How many states there are grows with the fourth power of the number of labels. So each is weighed with what it will
still cost at least, from a backward pass that is exact but for films that are shown again, and for repetitions, of
which it sees only those of neighbours; of each eight-count the ``WIDTHS`` best are kept. The least weight of a state
that was dropped is a lower bound: no path that was not looked at can be cheaper. When the path found is no dearer than
this, it is the cheapest there is; otherwise the difference, ``FoundPath.gap``, bounds what it gives away. A path is
reported missing only if no state was dropped that has a future of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bachateo.sequence.candidates import PlaceCandidates
from bachateo.sequence.costs import SAME_FIGURE, WINDOW, Tastes, again_costs
from bachateo.sequence.joins import Joins
from bachateo.sequence.table import Array, MoveTable, Rows

# States kept in an eight-count, in the first attempt and in those that follow while no path was found.
WIDTHS = (128, 2048, 16384)
NOTHING = -1  # danced in an eight-count before the song


@dataclass(frozen=True)
class FoundPath:
    """A way through the song.

    Attributes
    ----------
    steps
        Eight-count and row of the table, of each move.
    cost
        What the moves and their joins cost together.
    gap
        No way costs less than ``cost - gap``; 0 when this is the cheapest of all.
    """

    steps: tuple[tuple[int, int], ...]
    cost: float
    gap: float


@dataclass(frozen=True)
class _Stage:
    """An eight-count: the moves that may end before it, those that may begin in it, and what lies ahead.

    ``joins`` is ``(before, after)``; ``ahead`` is the least that the rest costs from each of ``after`` on, itself
    included; ``arrives`` is the place of each of ``after`` among the ``before`` of the stage it leads to.
    """

    joins: Array
    labels: Rows
    costs: Array
    spans: Rows
    ahead: Array
    arrives: Rows


@dataclass
class _States:
    """States of one eight-count: parallel columns."""

    cost: Array
    weight: Array
    last: Rows
    danced: Rows
    parent: Rows  # slot, state and candidate this came from, (states, 3)
    shown: Rows  # row of the move that began in each eight-count before, (states, slots)

    def take(self, chosen: NDArray[np.intp]) -> _States:
        return _States(*(column[chosen] for column in vars(self).values()))


def find_path(
    table: MoveTable,
    places: Sequence[PlaceCandidates],
    repeat_costs: Sequence[float],
    *,
    tastes: Tastes | None = None,
    widths: Sequence[int] = WIDTHS,
) -> FoundPath | None:
    """Return the cheapest way through the song, or ``None`` when no moves fill it.

    Parameters
    ----------
    table
        The moves.
    places
        The candidates of each eight-count.
    repeat_costs
        What it costs that a label was danced in the last eight-count, the one before it, and so on, ``WINDOW``
        numbers that do not grow; infinite where it is forbidden.
    tastes
        How much a film that is shown again counts, and a change of clothes.
    widths
        How many states to keep in an eight-count, attempt by attempt.
    """
    tastes = tastes or Tastes()
    stages = _look_ahead(table, places, repeat_costs, tastes.clothes)
    again = _Again(table, tastes.variety * again_costs(len(places)))
    for width in widths:
        search = _Search(stages, places, np.array(repeat_costs), again, width)
        path = search.go_through()
        if path is not None:
            steps, cost = path
            return FoundPath(steps, cost, max(cost - min(search.dropped, search.merged), 0.0))
        if np.isinf(search.dropped):
            return None
    return None


class _Again:
    """What it costs to show films again."""

    def __init__(self, table: MoveTable, costs: Array) -> None:
        self._costs, self._film, self._label = costs, table.film, table.label

    def costs(self, shown: Rows, slot: int, rows: Rows) -> Array:
        """Return what each of ``rows`` costs in ``slot`` after what was shown, ``(states, rows)``."""
        state, at = np.nonzero(shown[:, :slot] != NOTHING)
        before, weight = shown[state, at], self._costs[slot - at]
        films, figures = (
            _summed(state, code[before], weight, len(shown), code[rows]) for code in (self._film, self._label)
        )
        costs: Array = films + SAME_FIGURE * (figures - films)
        return costs


def _summed(state: Rows, thing: Rows, weight: Array, states: int, wanted: Rows) -> Array:
    """Return the sum of the weights of each of ``wanted`` in each state: ``(states, wanted)``."""
    things, place = np.unique(wanted, return_inverse=True)
    if not len(things):
        return np.zeros((states, 0))
    column = np.minimum(np.searchsorted(things, thing), len(things) - 1)
    hit = things[column] == thing
    index = state[hit] * len(things) + column[hit]
    sums: Array = np.bincount(index, weight[hit], states * len(things)).astype(float).reshape(states, len(things))
    return sums[:, place]


def _look_ahead(
    table: MoveTable, places: Sequence[PlaceCandidates], repeat_costs: Sequence[float], clothes: float
) -> list[_Stage]:
    joins = Joins(table, np.unique(np.concatenate([place.rows for place in places])), clothes=clothes)
    before, arrives = _arrivals(places)
    neighbour = np.cumsum([0.0, *repeat_costs])
    stages: list[_Stage] = []
    # The least that is to come after each of `before`, of the stages from the last to the first.
    after: dict[int, Array] = {len(places): np.zeros(len(before[len(places)]))}
    for slot in range(len(places) - 1, -1, -1):
        place = places[slot]
        ahead = place.costs + np.array(
            [after[slot + span][at] for span, at in zip(place.spans.tolist(), arrives[slot].tolist(), strict=True)]
        )
        labels = table.label[place.rows]
        last = before[slot]
        # No move comes before the first one, so there is no join.
        matrix = joins.between(last, place.rows) if slot else np.zeros((1, len(place.rows)))
        stages.append(_Stage(matrix, labels, place.costs, place.spans, ahead, arrives[slot]))
        if slot:
            again = neighbour[np.minimum(table.eight_counts[last], WINDOW)]
            clash = np.where(table.label[last][:, None] == labels, again[:, None], 0.0)
            after[slot] = (matrix + clash + ahead).min(axis=1, initial=np.inf)
    return stages[::-1]


def _arrivals(places: Sequence[PlaceCandidates]) -> tuple[list[Rows], list[Rows]]:
    """Return the rows that may end before each eight-count, and where each candidate is among those it arrives with."""
    ending: list[list[Rows]] = [[np.arange(0)] for _ in range(len(places) + 1)]
    for slot, place in enumerate(places):
        for span in np.unique(place.spans).tolist():
            ending[slot + span].append(place.rows[place.spans == span])
    before = [np.unique(np.concatenate(rows)) for rows in ending]
    arrives = [np.zeros(len(place.rows), np.intp) for place in places]
    for slot, place in enumerate(places):
        for span in np.unique(place.spans).tolist():
            inside = place.spans == span
            arrives[slot][inside] = np.searchsorted(before[slot + span], place.rows[inside])
    return before, arrives


@dataclass
class _Search:
    """One attempt, with so many states.

    ``dropped`` is the least weight of a state that was dropped, ``merged`` that of one which gave way to a state of
    the same future but for the films that are shown again.
    """

    stages: Sequence[_Stage]
    places: Sequence[PlaceCandidates]
    repeat_costs: Array
    again: _Again
    width: int
    dropped: float = np.inf
    merged: float = np.inf

    def go_through(self) -> tuple[tuple[tuple[int, int], ...], float] | None:
        """Return the best path and what it costs."""
        start, slots = np.zeros(1), len(self.stages)
        nothing, unshown = np.full((1, WINDOW), NOTHING), np.full((1, slots), NOTHING)
        waiting: dict[int, list[_States]] = defaultdict(list)
        waiting[0].append(_States(start, start, np.zeros(1, np.intp), nothing, np.zeros((1, 3), np.intp), unshown))
        kept: list[_States | None] = []
        for slot in range(slots):
            states = self._merge(waiting.pop(slot, []))
            kept.append(states)
            if states is not None:
                for target, following in self._follow(slot, states):
                    waiting[target].append(following)
        final = waiting.pop(slots, [])
        if not final:
            return None
        best = min(final, key=lambda states: float(states.cost.min()))
        at = int(best.cost.argmin())
        return _trace_back(best.parent[at], kept, self.places), float(best.cost[at])

    def _merge(self, arrived: Sequence[_States]) -> _States | None:
        """Keep the cheapest of states with the same future, where there are many, and of all the best."""
        if not arrived:
            return None
        columns = zip(*(vars(states).values() for states in arrived), strict=True)
        states = _States(*(np.concatenate(parts) for parts in columns))
        if len(states.cost) <= self.width:
            return states
        states = states.take(np.argsort(states.cost, kind="stable"))
        # The clip danced last says the newest label, so the key is the clip and the labels before.
        future = np.column_stack((states.last, states.danced[:, 1:]))
        unique = np.sort(np.unique(future, axis=0, return_index=True)[1])
        gone = np.delete(states.weight, unique)
        self.merged = min(self.merged, float(gone.min(initial=np.inf)))
        states = states.take(unique)
        if len(states.cost) <= self.width:
            return states
        order = np.argsort(states.weight, kind="stable")
        self.dropped = min(self.dropped, float(states.weight[order[self.width]]))
        return states.take(np.sort(order[: self.width]))

    def _follow(self, slot: int, states: _States) -> list[tuple[int, _States]]:
        """Dance every candidate after every state; return, for each eight-count reached, the best new states."""
        stage, rows = self.stages[slot], self.places[slot].rows
        so_far = states.cost[:, None] + stage.joins[states.last]
        for gap, cost in enumerate(self.repeat_costs):
            so_far += np.where(states.danced[:, gap, None] == stage.labels, cost, 0.0)
        so_far += stage.spans * self.again.costs(states.shown, slot, rows)
        weight = so_far + stage.ahead
        reached = []
        for span in np.unique(stage.spans).tolist():
            moves = np.flatnonzero(stage.spans == span)
            best, least_left = _lightest(weight[:, moves], self.width)
            self.dropped = min(self.dropped, least_left)
            if not len(best):
                continue
            state, move = best // len(moves), moves[best % len(moves)]
            filled = min(span, WINDOW)
            danced = np.roll(states.danced[state], filled, axis=1)
            danced[:, :filled] = stage.labels[move][:, None]
            shown = states.shown[state]
            shown[:, slot] = rows[move]
            following = _States(
                cost=so_far[state, move] + stage.costs[move],
                weight=weight[state, move],
                last=stage.arrives[move],
                danced=danced,
                parent=np.column_stack((np.full(len(state), slot), state, move)),
                shown=shown,
            )
            reached.append((slot + span, following))
        return reached


def _lightest(weight: Array, width: int) -> tuple[NDArray[np.intp], float]:
    """Return where the ``width`` least finite weights are, and the least of the others."""
    flat = weight.ravel()
    if len(flat) > width:
        order = np.argpartition(flat, width)
        chosen, least_left = order[:width], float(flat[order[width]])
    else:
        chosen, least_left = np.arange(len(flat)), np.inf
    return np.sort(chosen[np.isfinite(flat[chosen])]), least_left


def _trace_back(
    parent: Rows, kept: Sequence[_States | None], places: Sequence[PlaceCandidates]
) -> tuple[tuple[int, int], ...]:
    steps = []
    while True:
        slot, state, move = parent.tolist()
        steps.append((slot, int(places[slot].rows[move])))
        states = kept[slot]
        if slot == 0 or states is None:
            return tuple(steps[::-1])
        parent = states.parent[state]

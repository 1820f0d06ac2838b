"""The cheapest path of moves through the whole song, by dynamic programming.

The song is a row of eight-counts. A state is where the dancers are in that row, which clip they danced last (its end
pose decides the next join) and which labels they danced in the last ``WINDOW`` eight-counts (they decide what would be
a repetition). States that agree in all three have the same future, so only the cheapest is kept: that is exact.

How many states there are grows with the fourth power of the number of labels. So each is weighed with what it will
still cost at least, from a backward pass that is exact but for repetitions of which it sees only those of neighbours;
of each eight-count the ``WIDTHS`` best are kept. The least weight of a state that was dropped is a lower bound: no
path that was not looked at can be cheaper. When the path found is no dearer than this, it is the cheapest there is;
otherwise the difference, ``FoundPath.gap``, bounds what it gives away. A path is reported missing only if no
state was dropped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bachateo.sequence.candidates import PlaceCandidates
from bachateo.sequence.costs import WINDOW
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

    def take(self, chosen: NDArray[np.intp]) -> _States:
        return _States(*(column[chosen] for column in vars(self).values()))


def find_path(
    table: MoveTable,
    places: Sequence[PlaceCandidates],
    repeat_costs: Sequence[float],
    *,
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
    widths
        How many states to keep in an eight-count, attempt by attempt.
    """
    stages = _look_ahead(table, places, repeat_costs)
    for width in widths:
        path, dropped = _go_through(stages, places, np.array(repeat_costs), width)
        if path is not None:
            steps, cost = path
            return FoundPath(steps, cost, max(cost - dropped, 0.0))
        if np.isinf(dropped):
            return None
    return None


def _look_ahead(table: MoveTable, places: Sequence[PlaceCandidates], repeat_costs: Sequence[float]) -> list[_Stage]:
    joins = Joins(table, np.unique(np.concatenate([place.rows for place in places])))
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


def _go_through(
    stages: Sequence[_Stage], places: Sequence[PlaceCandidates], repeat_costs: Array, width: int
) -> tuple[tuple[tuple[tuple[int, int], ...], float] | None, float]:
    """Return the best path with so many states, and the least weight of a state that was dropped."""
    start = np.zeros(1)
    nothing = np.full((1, WINDOW), NOTHING)
    waiting: dict[int, list[_States]] = defaultdict(list)
    waiting[0].append(_States(start, start, np.zeros(1, np.intp), nothing, np.zeros((1, 3), np.intp)))
    kept: list[_States | None] = []
    dropped = np.inf
    for slot, stage in enumerate(stages):
        states, least = _merge(waiting.pop(slot, []), width)
        kept.append(states)
        dropped = min(dropped, least)
        if states is None:
            continue
        for target, following, least_left in _follow(slot, stage, states, repeat_costs, width):
            waiting[target].append(following)
            dropped = min(dropped, least_left)
    final, _ = _merge(waiting.pop(len(stages), []), width)
    if final is None:
        return None, dropped
    best = int(final.cost.argmin())
    return (_trace_back(final.parent[best], kept, places), float(final.cost[best])), dropped


def _merge(arrived: Sequence[_States], width: int) -> tuple[_States | None, float]:
    """Keep the cheapest of states with the same future, and of all the best; also return the least weight dropped."""
    if not arrived:
        return None, np.inf
    columns = zip(*(vars(states).values() for states in arrived), strict=True)
    states = _States(*(np.concatenate(parts) for parts in columns))
    states = states.take(np.argsort(states.cost, kind="stable"))
    # The clip danced last says the newest label, so the key is the clip and the labels before.
    future = np.column_stack((states.last, states.danced[:, 1:]))
    unique = np.sort(np.unique(future, axis=0, return_index=True)[1])
    states = states.take(unique)
    if len(states.cost) <= width:
        return states, np.inf
    order = np.argsort(states.weight, kind="stable")
    return states.take(np.sort(order[:width])), float(states.weight[order[width]])


def _follow(
    slot: int, stage: _Stage, states: _States, repeat_costs: Array, width: int
) -> list[tuple[int, _States, float]]:
    """Dance every candidate after every state; return, for each eight-count reached, the best new states."""
    so_far = states.cost[:, None] + stage.joins[states.last]
    for gap, cost in enumerate(repeat_costs):
        so_far += np.where(states.danced[:, gap, None] == stage.labels, cost, 0.0)
    weight = so_far + stage.ahead
    reached = []
    for span in np.unique(stage.spans).tolist():
        moves = np.flatnonzero(stage.spans == span)
        best, least_left = _lightest(weight[:, moves], width)
        if not len(best):
            continue
        state, move = best // len(moves), moves[best % len(moves)]
        filled = min(span, WINDOW)
        danced = np.roll(states.danced[state], filled, axis=1)
        danced[:, :filled] = stage.labels[move][:, None]
        following = _States(
            cost=so_far[state, move] + stage.costs[move],
            weight=weight[state, move],
            last=stage.arrives[move],
            danced=danced,
            parent=np.column_stack((np.full(len(state), slot), state, move)),
        )
        reached.append((slot + span, following, least_left))
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

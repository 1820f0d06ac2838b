from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bachateo.moves import Move
from bachateo.music import Analysis
from bachateo.sequence import MoveTable, Wishes, candidates
from bachateo.sequence.candidates import LABELS, find_candidates
from bachateo.sequence.costs import WINDOW, PlaceCosts
from bachateo.sequence.joins import MOST, join_costs
from bachateo.sequence.phrases import Phrases
from bachateo.sequence.search import find_path

STRICT = (np.inf,) * WINDOW


@pytest.fixture
def costs(make_analysis: Callable[..., Analysis], make_move: Callable[..., Move]) -> PlaceCosts:
    rng = np.random.default_rng(5)
    moves = [
        make_move(
            f"{number:03}",
            label=f"label{rng.integers(30)}",
            tempo=float(rng.uniform(115, 140)),
            beats=int(rng.choice((8, 16))),
            wardrobe=f"w{rng.integers(4)}",
            start_pose=tuple(rng.normal(0, 0.3, 4)),
            end_pose=tuple(rng.normal(0, 0.3, 4)),
        )
        for number in range(400)
    ]
    wishes = Wishes(seed=1)
    return PlaceCosts(MoveTable.of(moves), Phrases.of(make_analysis(12), wishes), wishes)


def test_find_candidates__large_library__keeps_the_cheapest_of_enough_labels(costs: PlaceCosts) -> None:
    assert LABELS >= 2 * WINDOW + 1
    for slot, place in enumerate(find_candidates(costs)):
        rows = costs.possible(slot)
        total = np.sum([*costs.parts(rows, slot).values()], axis=0)
        assert len(place.rows) < len(rows) / 2
        for length in (1, 2):
            inside = costs.table.eight_counts[rows] == length
            labels = costs.table.label[rows][inside]
            cheapest = sorted((total[inside][labels == label].min(), label) for label in set(labels.tolist()))
            kept = costs.table.label[place.rows[costs.table.eight_counts[place.rows] == length]]
            assert {label for _, label in cheapest[: 2 * WINDOW + 1]} <= set(kept.tolist())


def test_find_candidates__pruned__the_path_loses_less_than_the_bound(
    costs: PlaceCosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    pruned = find_path(costs.table, find_candidates(costs), STRICT)
    monkeypatch.setattr(candidates, "ALL_UP_TO", len(costs.table))
    whole = find_path(costs.table, find_candidates(costs), STRICT)

    assert pruned is not None
    assert whole is not None
    assert whole.cost - whole.gap <= pruned.cost <= whole.cost + 2 * MOST * len(whole.steps)
    # In practice far less: within a tenth of what the whole costs.
    assert pruned.cost <= whole.cost * 1.1


def test_join_costs__poses__are_the_distance_of_the_joints_and_unknown_costs_nothing() -> None:
    ends = np.array([[0.0, 0.0, 0.0, 0.0], [np.nan] * 4])
    starts = np.array([[0.3, 0.4, 0.3, 0.4], [9.0, 9.0, 9.0, 9.0], [0.0, 0.0, 0.0, 0.0]])

    assert join_costs(ends, starts) == pytest.approx(np.array([[0.75, 1.5, 0.0], [0.0, 0.0, 0.0]]))


def test_move_table__order_of_the_moves__does_not_matter(make_move: Callable[..., Move]) -> None:
    moves = [make_move(f"m{number}", label=f"l{number % 3}", wardrobe="ab"[number % 2]) for number in range(12)]

    one, other = MoveTable.of(moves), MoveTable.of(moves[::-1])

    assert one.moves == other.moves
    assert np.array_equal(one.intervals_s, other.intervals_s)
    assert Path(one.moves[0].video_path) == Path(other.moves[0].video_path)

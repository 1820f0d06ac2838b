"""The search against trying everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bachateo.moves import Library, Move
from bachateo.music import Analysis
from bachateo.sequence import MoveTable, Wishes
from bachateo.sequence.candidates import PlaceCandidates, find_candidates
from bachateo.sequence.costs import AGAIN_COSTS, FADES, REPEAT_COSTS, SAME_FIGURE, WINDOW, PlaceCosts, Tastes
from bachateo.sequence.joins import FARTHEST, POSE_COST, WARDROBE_COST
from bachateo.sequence.phrases import Phrases
from bachateo.sequence.planning import repeat_costs
from bachateo.sequence.search import FoundPath, find_path

Case = tuple[Analysis, Library, Wishes]
Route = tuple[tuple[int, int], ...]


def _join(before: Move, after: Move) -> float:
    cost = WARDROBE_COST if before.wardrobe and after.wardrobe and before.wardrobe != after.wardrobe else 0.0
    if before.end_pose is not None and after.start_pose is not None:
        jump = np.sqrt(np.mean(np.square(np.subtract(before.end_pose, after.start_pose)).reshape(-1, 2).sum(axis=1)))
        cost += POSE_COST * min(float(jump), FARTHEST)
    return cost


def _routes(places: Sequence[PlaceCandidates], slot: int = 0) -> Iterator[Route]:
    if slot == len(places):
        yield ()
        return
    place = places[slot]
    for row, span in zip(place.rows.tolist(), place.spans.tolist(), strict=True):
        for rest in _routes(places, slot + span):
            yield ((slot, row), *rest)


def _cost(route: Route, table: MoveTable, places: Sequence[PlaceCandidates], by_gap: Sequence[float]) -> float:
    """Add up what a route costs, without anything of the search."""
    total, danced, before = 0.0, [], None
    for slot, row in route:
        move, place = table.moves[row], places[slot]
        total += float(place.costs[place.rows == row][0])
        total += _join(before, move) if before is not None else 0.0
        span = min(move.eight_counts, len(places) - slot)
        for slot_before, row_before in route:
            if slot_before < slot:
                cost = AGAIN_COSTS[1] + (AGAIN_COSTS[0] - AGAIN_COSTS[1]) * 0.5 ** ((slot - slot_before) / FADES)
                same = table.moves[row_before].move_label == move.move_label
                total += span * cost * (1.0 if row_before == row else SAME_FIGURE * same)
        for gap, label in enumerate(reversed(danced[-WINDOW:])):
            total += by_gap[gap] if label == move.move_label else 0.0
        danced += [move.move_label] * move.eight_counts
        before = move
    return total


def _searched(case: Case, relaxed: frozenset[str]) -> tuple[MoveTable, list[PlaceCandidates], tuple[float, ...]]:
    analysis, library, wishes = case
    table = MoveTable.of(library.moves)
    costs = PlaceCosts(table, Phrases.of(analysis, wishes), wishes, relaxed=relaxed)
    return table, find_candidates(costs), repeat_costs(relaxed)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_find_path__tiny_song__is_the_cheapest_of_all_routes(
    tiny_cases: st.SearchStrategy[Case], data: st.DataObject
) -> None:
    relaxed = frozenset(data.draw(st.sampled_from(((), ("repeats",), ("repeats", "difficulty", "tempo", "ends")))))
    table, places, by_gap = _searched(data.draw(tiny_cases), relaxed)
    every = {route: _cost(route, table, places, by_gap) for route in _routes(places)}
    least = min(every.values(), default=np.inf)

    path = find_path(table, places, by_gap)

    if path is None:
        assert least == np.inf
    else:
        assert path.cost == pytest.approx(least, abs=1e-6)
        assert every[path.steps] == pytest.approx(least, abs=1e-6)
        assert path.gap == 0.0


def _library_of(make_move: Callable[..., Move], labels: int = 5) -> Library:
    rng = np.random.default_rng(3)
    moves = [
        make_move(
            f"m{label}{clip}",
            label=f"label{label}",
            beats=8 if label % 3 else 16,
            wardrobe=("red", "blue")[clip],
            start_pose=tuple(rng.normal(0, 0.4, 4)),
            end_pose=tuple(rng.normal(0, 0.4, 4)),
        )
        for label in range(labels)
        for clip in range(2)
    ]
    return Library(Path("library"), tuple(moves))


def test_find_path__wrong_cost_planted__trying_everything_shows_it(
    make_analysis: Callable[..., Analysis], make_move: Callable[..., Move]
) -> None:
    case = (make_analysis(4), _library_of(make_move), Wishes())
    table, places, by_gap = _searched(case, frozenset())
    least = min(_cost(route, table, places, by_gap) for route in _routes(places))
    right = find_path(table, places, by_gap)
    assert right is not None
    assert right.cost == pytest.approx(least)

    slot, row = right.steps[0]
    dearer = places[slot].costs + 5.0 * (places[slot].rows == row)
    wrong = find_path(table, [replace(places[slot], costs=dearer), *places[1:]], by_gap)

    assert wrong is not None
    assert _cost(wrong.steps, table, places, by_gap) > least + 0.01


def test_find_path__joins_left_out__trying_everything_shows_it(
    make_analysis: Callable[..., Analysis], make_move: Callable[..., Move], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = (make_analysis(4), _library_of(make_move), Wishes())
    table, places, by_gap = _searched(case, frozenset())
    least = min(_cost(route, table, places, by_gap) for route in _routes(places))

    monkeypatch.setattr(
        "bachateo.sequence.search.Joins.between", lambda _, before, after: np.zeros((len(before), len(after)))
    )
    wrong = find_path(table, places, by_gap)

    assert wrong is not None
    assert _cost(wrong.steps, table, places, by_gap) > least + 0.01


@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_find_path__narrow__the_gap_bounds_what_it_gives_away(
    cases: st.SearchStrategy[Case], data: st.DataObject
) -> None:
    table, places, by_gap = _searched(data.draw(cases), frozenset({"repeats", "tempo"}))
    wide, narrow = (find_path(table, places, by_gap, widths=(width,)) for width in (1024, 2))
    assume(wide is not None and narrow is not None)

    assert isinstance(wide, FoundPath)
    assert isinstance(narrow, FoundPath)
    assert wide.cost - 1e-9 <= narrow.cost <= wide.cost + narrow.gap + 1e-9


def test_find_path__dead_end_within_the_width__is_found_when_wider(
    make_analysis: Callable[..., Analysis], make_move: Callable[..., Move]
) -> None:
    # At the end only the best move fits; a path that dances it shortly before, because it is the best, is stuck.
    moves = (*(make_move(name, quality_score=0.1) for name in "abcdef"), make_move("best"))
    table, places, by_gap = _searched((make_analysis(8), Library(Path("library"), moves), Wishes()), frozenset())
    only = table.label[places[-1].rows] == table.labels.index("best")
    places[-1] = PlaceCandidates(*(column[only] for column in vars(places[-1]).values()))
    best_alone = Tastes(variety=0.0)
    assert find_path(table, places, by_gap, tastes=best_alone, widths=(1,)) is None

    path = find_path(table, places, by_gap, tastes=best_alone, widths=(1, 4096))

    assert path is not None
    assert np.isfinite(_cost(path.steps, table, places, by_gap))


def test_repeat_costs__given_up__fall_with_the_distance_and_stay_below_the_next_constraint() -> None:
    assert list(REPEAT_COSTS) == sorted(REPEAT_COSTS, reverse=True)
    assert repeat_costs(frozenset()) == (np.inf,) * WINDOW
    # Dancing A B A B is better than A A B B.
    assert 2 * (REPEAT_COSTS[1] + REPEAT_COSTS[3]) < REPEAT_COSTS[0] + REPEAT_COSTS[2] + REPEAT_COSTS[3]

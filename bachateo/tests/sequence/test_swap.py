from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bachateo.errors import SequencingError
from bachateo.moves import Library, Move
from bachateo.music import Analysis
from bachateo.sequence import PlacedMove, Plan, Wishes, plan_sequence, swap_move
from bachateo.sequence.costs import WINDOW
from bachateo.sequence.explain import repeat_gaps

MakeAnalysis = Callable[..., Analysis]
MakeMove = Callable[..., Move]
Case = tuple[Analysis, Library, Wishes]


def _without_reasons(plan: Plan) -> list[PlacedMove]:
    return [replace(placed, reasons=()) for placed in plan.moves]


def _changed(before: Plan, after: Plan) -> list[int]:
    pairs = zip(_without_reasons(before), _without_reasons(after), strict=True)
    return [number for number, (old, new) in enumerate(pairs, 1) if old != new]


@pytest.fixture
def library(make_move: MakeMove) -> Library:
    moves = (make_move(f"{name}{clip}", label=name) for name in "abcdefghij" for clip in range(2))
    ends = (make_move(f"{role}{clip}", label=role, role=role) for role in ("intro", "outro") for clip in range(2))
    return Library(Path("library"), (*moves, *ends))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(data=st.data())
def test_swap_move__any_plan__changes_exactly_that_move(cases: st.SearchStrategy[Case], data: st.DataObject) -> None:
    analysis, library, wishes = data.draw(cases)
    try:
        plan = plan_sequence(analysis, library, wishes)
    except SequencingError:
        return
    number = data.draw(st.integers(1, len(plan.moves)))
    try:
        swapped = swap_move(plan, library, number)
    except SequencingError as error:
        _assert_nothing_else(error)
        return

    assert _changed(plan, swapped) == [number]
    old, new = plan.moves[number - 1], swapped.moves[number - 1]
    assert (new.first_beat, new.start_s, new.end_s) == (old.first_beat, old.start_s, old.end_s)
    assert new.move.role == old.move.role
    assert old.move.role or new.move.move_label != old.move.move_label
    if not wishes.relax:
        assert all(gap is None or gap >= WINDOW for gap in repeat_gaps(swapped))
        assert all(sentence.startswith(("ends:", "films:", "couple:")) for sentence in swapped.relaxed)
    assert swap_move(plan, library, number) == swapped


def _assert_nothing_else(error: SequencingError) -> None:
    assert error.code == "CH051"


@pytest.mark.parametrize("number", [1, 4, 12])
def test_swap_move__seeds__choose_different_ones(make_analysis: MakeAnalysis, library: Library, number: int) -> None:
    plan = plan_sequence(make_analysis(), library, Wishes())

    swaps = [swap_move(plan, library, number, wishes=Wishes(seed=seed)) for seed in range(6)]

    assert all(_changed(plan, swapped) == [number] for swapped in swaps)
    clips = {swapped.moves[number - 1].move.clip_id for swapped in swaps}
    assert len(clips) > 1 or plan.moves[number - 1].move.role
    assert plan.moves[number - 1].move.clip_id not in clips


def test_swap_move__wish_for_another_energy__is_followed(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    moves = (make_move(f"{level}{n}", energy_level=level) for level in ("low", "high") for n in range(8))
    library = Library(Path("library"), tuple(moves))
    plan = plan_sequence(make_analysis(), library, Wishes(energy="low"))

    swapped = swap_move(plan, library, 5, wishes=Wishes(energy="high"))

    assert plan.moves[4].move.energy_level == "low"
    assert swapped.moves[4].move.energy_level == "high"
    assert "Its energy, high, is the one that was asked for." in swapped.moves[4].reasons


def test_swap_move__neighbours__are_told_anew(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    red = [make_move(name, wardrobe="red") for name in "abc"]
    plan = plan_sequence(make_analysis(3), Library(Path("library"), tuple(red)), Wishes())
    assert "The same couple and clothes as before." in plan.moves[2].reasons

    swapped = swap_move(plan, Library(Path("library"), (make_move("z", wardrobe="blue"),)), 2)

    assert swapped.moves[1].move.clip_id == "z"
    assert "The couple or its clothes change." in swapped.moves[2].reasons


@pytest.mark.parametrize("number", [0, 13, -1])
def test_swap_move__no_such_move__says_which_there_are(
    make_analysis: MakeAnalysis, library: Library, number: int
) -> None:
    plan = plan_sequence(make_analysis(), library, Wishes())

    with pytest.raises(
        SequencingError, match=rf"^CH050  there is no move {number}; the plan has 12\. Choose 1 to 12\."
    ):
        swap_move(plan, library, number)


def test_swap_move__nothing_else_so_long__says_so(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    library = Library(Path("library"), (make_move("a"), make_move("b", beats=16)))
    plan = plan_sequence(make_analysis(3), library, Wishes())
    number = next(number for number, placed in enumerate(plan.moves, 1) if placed.move.move_label == "b")

    with pytest.raises(SequencingError) as caught:
        swap_move(plan, library, number)

    assert str(caught.value) == (
        f"CH051  nothing else fits in the place of move {number} (b, 2 eight-counts): of 2 moves of the library 1 fit "
        "the difficulty, the tempo, the length and the role, and 0 of them show something else. "
        "Add such moves to the library."
    )


def test_swap_move__everything_else_too_near__says_that_relaxing_would_do(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    library = Library(Path("library"), tuple(make_move(name) for name in "abcde"))
    plan = plan_sequence(make_analysis(10), library, Wishes())

    with pytest.raises(SequencingError, match=r"^CH051 .* but each is danced within 4 .* library, or relax repeats\.$"):
        swap_move(plan, library, 5)
    swapped = swap_move(plan, library, 5, wishes=Wishes(relax=("repeats",)))

    assert _changed(plan, swapped) == [5]
    assert swapped.relaxed[0].startswith("repeats: ")

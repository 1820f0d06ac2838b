from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from choreographer.errors import SequencingError
from choreographer.moves import DIFFICULTIES, ENERGY_LEVELS, Library, Move
from choreographer.moves.drawing.repertoire import REPERTOIRE
from choreographer.moves.starter import STAMP_NAME, TEMPI_BPM, _move
from choreographer.music import Analysis
from choreographer.sequence import Plan, Wishes, plan_sequence
from choreographer.sequence.costs import PREFERRED_RATIOS, RATIOS

STARTER = Library(
    Path("starter"), tuple(_move(pattern, tempo, STAMP_NAME) for pattern in REPERTOIRE for tempo in TEMPI_BPM)
)

MakeAnalysis = Callable[..., Analysis]
MakeMove = Callable[..., Move]


def _labels(plan: Plan) -> list[str]:
    return [placed.move.move_label for placed in plan.moves]


def _library(*moves: Move) -> Library:
    return Library(Path("library"), moves)


def _assert_covers(plan: Plan, analysis: Analysis) -> None:
    assert plan.moves[0].first_beat == analysis.first_count
    for placed, following in pairwise(plan.moves):
        assert following.first_beat == placed.first_beat + placed.move.beats
        assert placed.end_s == following.start_s
    assert plan.moves[-1].end_s == analysis.duration_s


@settings(max_examples=40, deadline=None)
@given(
    eight_counts=st.integers(2, 60),
    tempo=st.floats(95, 175),
    seed=st.integers(0, 2**32),
    difficulty=st.sampled_from([None, *DIFFICULTIES]),
    energy=st.sampled_from([None, *ENERGY_LEVELS]),
)
def test_plan_sequence__any_song_and_wish__is_whole_and_danceable(
    eight_counts: int, tempo: float, seed: int, difficulty: str | None, energy: str | None
) -> None:
    beats_s = tuple(0.2 + beat * 60 / tempo for beat in range(eight_counts * 8 + 6))
    analysis = Analysis(
        beats_s[-1] + 0.1, tempo, beats_s, 3, (0.1, 0.9) * (eight_counts // 2) + (0.5,) * (eight_counts % 2)
    )

    plan = plan_sequence(analysis, STARTER, Wishes(difficulty, energy, seed))

    _assert_covers(plan, analysis)
    assert plan.moves[0].move.role == "intro"
    assert plan.moves[-1].move.role == "outro"
    assert all(placed.move.role is None for placed in plan.moves[1:-1])
    assert all(before != after for before, after in pairwise(_labels(plan)))
    assert all(RATIOS[0] <= placed.tempo_ratio <= RATIOS[1] for placed in plan.moves)
    hardest = DIFFICULTIES.index(difficulty) if difficulty else 2
    assert all(DIFFICULTIES.index(placed.move.difficulty) <= hardest for placed in plan.moves)


def test_plan_sequence__same_seed__same_plan_whatever_the_order_of_the_library(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(30)
    shuffled = Library(STARTER.folder, STARTER.moves[::-1])

    assert plan_sequence(analysis, STARTER, Wishes(seed=7)) == plan_sequence(analysis, shuffled, Wishes(seed=7))


def test_plan_sequence__other_seeds__other_plans(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(30)
    plans = {tuple(_labels(plan_sequence(analysis, STARTER, Wishes(seed=seed)))) for seed in range(8)}

    assert len(plans) == 8


def test_plan_sequence__long_song__uses_the_whole_repertoire(make_analysis: MakeAnalysis) -> None:
    plan = plan_sequence(make_analysis(48, energy=[0.1, 0.5, 0.9] * 16), STARTER, Wishes())
    labels = _labels(plan)

    assert len(set(labels)) >= 12
    assert max(labels.count(label) for label in labels) <= len(labels) / 4


def test_plan_sequence__two_tempi_of_a_move__takes_the_nearer(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    library = _library(*(make_move(f"{name}{tempo}", label=name, tempo=tempo) for name in "ab" for tempo in (110, 135)))

    plan = plan_sequence(make_analysis(tempo=130), library, Wishes())

    assert {placed.move.estimated_tempo for placed in plan.moves} == {135}
    assert all(PREFERRED_RATIOS[0] <= placed.tempo_ratio <= PREFERRED_RATIOS[1] for placed in plan.moves)


def test_plan_sequence__energy__follows_the_song(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    library = _library(*(make_move(f"{level}{n}", energy_level=level) for level in ENERGY_LEVELS for n in range(4)))

    plan = plan_sequence(make_analysis(24, energy=[0.0] * 12 + [1.0] * 12), library, Wishes())
    levels = [ENERGY_LEVELS.index(placed.move.energy_level) for placed in plan.moves]

    assert sum(levels[12:]) > sum(levels[:12]) + 10


def test_plan_sequence__energy_asked_for__is_kept(make_analysis: MakeAnalysis) -> None:
    analysis = make_analysis(24)
    high = plan_sequence(analysis, STARTER, Wishes(energy="high")).moves[1:-1]
    low = plan_sequence(analysis, STARTER, Wishes(energy="low")).moves[1:-1]

    assert sum(placed.move.energy_level == "high" for placed in high) > len(high) / 2
    assert not any(placed.move.energy_level == "high" for placed in low)


def test_plan_sequence__greedy_would_fail__finds_the_path(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    # In the last but one place only `good` fits beside the outro's neighbour; taking it early would end in a repeat.
    library = _library(make_move("a"), make_move("long", beats=16), make_move("end", role="outro", beats=16))

    plan = plan_sequence(make_analysis(6), library, Wishes())

    assert _labels(plan) in (["a", "long", "a", "end"], ["long", "a", "long", "end"])
    _assert_covers(plan, plan.analysis)


def test_plan_sequence__library_without_ends__dances_all_the_same(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    plan = plan_sequence(make_analysis(4), _library(make_move("a"), make_move("b")), Wishes())

    _assert_covers(plan, plan.analysis)


def test_plan_sequence__one_eight_count__is_one_move(make_analysis: MakeAnalysis) -> None:
    plan = plan_sequence(make_analysis(1), STARTER, Wishes())

    assert len(plan.moves) == 1
    _assert_covers(plan, plan.analysis)


def test_plan_sequence__tempo_out_of_reach__says_what_can_be_danced(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    library = _library(make_move("a", tempo=120), make_move("b", tempo=120))

    with pytest.raises(SequencingError, match=r"^CH042  the song is at 170 bpm at 1 s; the 2 moves .* 102 to 142 bpm"):
        plan_sequence(make_analysis(tempo=170), library, Wishes())


def test_plan_sequence__nothing_easy_enough__says_so(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    library = _library(make_move("a", difficulty="advanced"))

    with pytest.raises(SequencingError, match=r"^CH041  none of the 1 moves is beginner or easier"):
        plan_sequence(make_analysis(), library, Wishes(difficulty="beginner"))


def test_plan_sequence__one_move_only__says_what_is_there(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    with pytest.raises(SequencingError, match=r"^CH043  the same move would .* there is only lonely\. Raise"):
        plan_sequence(make_analysis(), _library(make_move("lonely")), Wishes())


def test_plan_sequence__only_long_moves__says_that_nothing_fits(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    library = _library(make_move("a", beats=16), make_move("b", beats=16))

    with pytest.raises(SequencingError, match=r"^CH043  .* or nothing fits between intro and outro"):
        plan_sequence(make_analysis(5), library, Wishes())


def test_wishes__negative_seed__is_refused() -> None:
    with pytest.raises(SequencingError, match=r"^CH044  seed is -1; choose 0 or more"):
        Wishes(seed=-1)


@pytest.mark.parametrize("wish", [{"difficulty": "expert"}, {"energy": "wild"}])
def test_wishes__unknown_word__lists_the_known(wish: dict[str, str]) -> None:
    ((name, value),) = wish.items()

    with pytest.raises(SequencingError, match=rf"^CH040  {name} is '{value}'; choose \w+, \w+, \w+, or leave it out"):
        Wishes(**wish)

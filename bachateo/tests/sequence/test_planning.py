from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bachateo.errors import SequencingError
from bachateo.moves import DIFFICULTIES, ENERGY_LEVELS, Library, Move
from bachateo.moves.starter import starter_moves
from bachateo.music import Analysis
from bachateo.sequence import PlacedMove, Plan, Wishes, plan_sequence
from bachateo.sequence.costs import WINDOW
from bachateo.sequence.stretch import PREFERRED_RATIOS, RATIOS, WIDEST_RATIOS

STARTER = Library(Path("starter"), starter_moves())

MakeAnalysis = Callable[..., Analysis]
MakeMove = Callable[..., Move]
Case = tuple[Analysis, Library, Wishes]


def _labels(plan: Plan) -> list[str]:
    return [placed.move.move_label for placed in plan.moves]


def _library(*moves: Move) -> Library:
    return Library(Path("library"), moves)


def _assert_covers(plan: Plan, analysis: Analysis) -> None:
    assert plan.moves[0].first_beat == analysis.first_count
    for placed, following in pairwise(plan.moves):
        assert following.first_beat == placed.first_beat + placed.move.beats
        assert abs(placed.end_s - following.start_s) < 1e-4
    for placed in plan.moves:
        assert abs(placed.start_s - analysis.beats_s[placed.first_beat]) < 1e-4
    assert plan.moves[-1].end_s == analysis.duration_s


def _beat_ratios(placed: PlacedMove, analysis: Analysis) -> np.ndarray:
    song = np.diff(analysis.beats_s[placed.first_beat :][: placed.move.beats + 1])
    return np.diff(placed.move.beats_s)[: len(song)] / song


def _given_up(plan: Plan) -> set[str]:
    return {sentence.partition(":")[0] for sentence in plan.relaxed}


def _assert_explained(error: SequencingError) -> None:
    assert error.code in {"CH041", "CH042", "CH043", "CH045", "CH047", "CH049"}
    assert error.message.endswith(".")


def _broken(plan: Plan) -> set[str]:
    """Say what a plan does not keep to; worked out without the engine's own figures."""
    analysis, moves, wishes = plan.analysis, plan.moves, plan.wishes
    broken = set()
    for number, placed in enumerate(moves):
        for later in moves[number + 1 :]:
            between = (later.first_beat - placed.first_beat) // 8 - placed.move.eight_counts
            if between < WINDOW and later.move.move_label == placed.move.move_label:
                broken.add("repeats")
        ratios = _beat_ratios(placed, analysis)
        if ratios.min() < RATIOS[0] - 1e-6 or ratios.max() > RATIOS[1] + 1e-6:
            broken.add("tempo")
        assert WIDEST_RATIOS[0] - 1e-6 <= ratios.min() <= ratios.max() <= WIDEST_RATIOS[1] + 1e-6
        if wishes.difficulty and DIFFICULTIES.index(placed.move.difficulty) > DIFFICULTIES.index(wishes.difficulty):
            broken.add("difficulty")
    return broken


@settings(max_examples=50, deadline=None, derandomize=True)
@given(data=st.data())
def test_plan_sequence__any_song_library_and_wish__keeps_what_it_does_not_report(
    cases: st.SearchStrategy[Case], data: st.DataObject
) -> None:
    analysis, library, wishes = data.draw(cases)
    try:
        plan = plan_sequence(analysis, library, wishes)
    except SequencingError as error:
        _assert_explained(error)
        return

    _assert_covers(plan, analysis)
    spanning = {"films", "couple"}
    assert _given_up(plan) - {"ends", "style"} - spanning == _broken(plan)
    assert _given_up(plan) - spanning <= set(wishes.concessions[-1])
    roles = {move.role for move in library.moves}
    if analysis.eight_counts > 1 and "ends" not in _given_up(plan):
        assert ("intro" in roles) <= (plan.moves[0].move.role == "intro")
        assert ("outro" in roles) <= (plan.moves[-1].move.role == "outro")
    assert all(placed.move.role is None for placed in plan.moves[1:-1])
    assert all(placed.reasons for placed in plan.moves)
    shuffled = Library(library.folder, library.moves[::-1])
    assert plan_sequence(analysis, shuffled, wishes) == plan


def test_plan_sequence__faults_planted__the_checks_see_them(make_analysis: MakeAnalysis) -> None:
    plan = plan_sequence(make_analysis(), STARTER, Wishes(difficulty="beginner"))
    assert _broken(plan) == set()
    second = plan.moves[1]

    def with_second(placed: PlacedMove) -> Plan:
        return replace(plan, moves=(plan.moves[0], placed, *plan.moves[2:]))

    slow = replace(
        second.move, beats_s=(*second.move.beats_s[:4], second.move.beats_s[4] + 0.09, *second.move.beats_s[5:])
    )
    assert _broken(
        with_second(replace(second, move=replace(second.move, move_label=plan.moves[2].move.move_label)))
    ) == {"repeats"}
    assert _broken(with_second(replace(second, move=replace(second.move, difficulty="advanced")))) == {"difficulty"}
    assert _broken(with_second(replace(second, move=slow))) == {"tempo"}
    with pytest.raises(AssertionError):
        _assert_covers(with_second(replace(second, start_s=second.start_s + 0.001)), plan.analysis)
    with pytest.raises(AssertionError):
        _assert_covers(replace(plan, moves=plan.moves[:1] + plan.moves[2:]), plan.analysis)


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
    library = _library(
        *(make_move(f"{name}{tempo}", label=name, tempo=tempo) for name in "abcde" for tempo in (110, 135))
    )

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
    # If the cheap short one comes first, three eight-counts are left that no move fills.
    library = _library(
        make_move("cheap"), make_move("long", beats=32, quality_score=0.2), make_move("end", role="outro", beats=8)
    )

    plan = plan_sequence(make_analysis(5), library, Wishes())

    assert _labels(plan) == ["long", "end"]
    _assert_covers(plan, plan.analysis)


def test_plan_sequence__outro_that_fits__is_danced_whole(make_analysis: MakeAnalysis) -> None:
    plan = plan_sequence(make_analysis(24), STARTER, Wishes())

    assert plan.moves[-1].first_beat == 1 + 22 * 8
    assert "It closes the choreography." in plan.moves[-1].reasons


def test_plan_sequence__outro_longer_than_the_song__is_cut_off(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    plan = plan_sequence(make_analysis(2), _library(make_move("a"), make_move("end", role="outro", beats=32)), Wishes())

    assert "It closes the choreography, cut off by the end of the song." in plan.moves[-1].reasons
    _assert_covers(plan, plan.analysis)


def test_plan_sequence__library_without_ends__dances_all_the_same(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    plan = plan_sequence(make_analysis(8), _library(*(make_move(name) for name in "abcde")), Wishes())

    _assert_covers(plan, plan.analysis)
    assert plan.relaxed == ()


def test_plan_sequence__one_eight_count__is_one_move(make_analysis: MakeAnalysis) -> None:
    plan = plan_sequence(make_analysis(1), STARTER, Wishes())

    assert len(plan.moves) == 1
    _assert_covers(plan, plan.analysis)


@pytest.mark.parametrize("beats", [8, 16])
def test_plan_sequence__music_has_a_bar_more__moves_begin_on_its_ones(
    make_analysis: MakeAnalysis, make_move: MakeMove, beats: int
) -> None:
    even = make_analysis(9)
    moved = replace(even, restarts=(37,), energy=even.energy[:8])
    library = _library(*(make_move(f"move{number}", beats=beats) for number in range(6)))

    plan = plan_sequence(moved, library, Wishes())

    assert moved.starts == (1, 9, 17, 25, 37, 45, 53, 61)
    assert [placed.first_beat for placed in plan.moves] == list(moved.starts[:: beats // 8])
    assert {placed.tempo_ratio for placed in plan.moves} == {1.0}, "beats that the music has more are not danced faster"
    for placed, following in pairwise(plan.moves):
        assert placed.end_s == following.start_s == moved.beats_s[following.first_beat]
    even = make_analysis(8)
    assert 37 not in {placed.first_beat for placed in plan_sequence(even, library, Wishes()).moves}


def test_plan_sequence__thousands_of_moves__keeps_to_everything_and_seeds_differ(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    library = _library(
        *(
            make_move(f"{number:04}", label=f"label{number % 60}", tempo=110 + number % 40, wardrobe=f"w{number % 7}")
            for number in range(3000)
        )
    )

    plans = [plan_sequence(make_analysis(30), library, Wishes(seed=seed)) for seed in range(3)]

    assert len({tuple(_labels(plan)) for plan in plans}) == 3
    for plan in plans:
        _assert_covers(plan, plan.analysis)
        assert _broken(plan) == set()
        # The couple that begins goes on: a change of couple costs more than another move.
        assert len({placed.move.wardrobe for placed in plan.moves}) == 1


def test_plan_sequence__poses__the_join_decides(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    near, far = (0.0, 0.0), (3.0, 0.0)
    library = _library(
        make_move("in", role="intro", start_pose=near, end_pose=far),
        make_move("smooth", start_pose=far, end_pose=near, quality_score=0.5),
        make_move("rough", start_pose=near, end_pose=far),
        make_move("out", role="outro", start_pose=near, end_pose=near),
    )

    plan = plan_sequence(make_analysis(3), library, Wishes())

    assert _labels(plan) == ["in", "smooth", "out"]
    assert "It begins as the move before ends." in plan.moves[1].reasons


def test_plan_sequence__style__is_preferred_and_told(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    styles = {"a": "romantic", "b": "playful", "c": ""}
    library = _library(*(make_move(f"{n}{m}", style=style) for n, style in styles.items() for m in range(6)))

    plan = plan_sequence(make_analysis(6), library, Wishes(style="romantic"))

    assert {placed.move.style for placed in plan.moves} == {"romantic"}
    assert all("Its style is romantic, as asked." in placed.reasons for placed in plan.moves)


def test_plan_sequence__relevance__is_followed_and_told(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    library = _library(*(make_move(f"m{number:02}") for number in range(12)))
    relevance = {f"m{number:02}": 0.9 for number in range(6)}

    found = plan_sequence(make_analysis(6), library, Wishes(), relevance=relevance)

    assert sum(placed.move.clip_id in relevance for placed in found.moves) >= 5
    first = next(placed for placed in found.moves if placed.move.clip_id in relevance)
    assert "The search found it 0.90 relevant, of 1." in first.reasons


def test_plan_sequence__reasons__say_what_was_weighed(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    library = _library(
        make_move("a", tempo=128, energy_level="low", wardrobe="red"),
        make_move("b", tempo=116, energy_level="high", wardrobe="blue"),
    )
    plan = plan_sequence(make_analysis(2, energy=[0.0, 0.0]), library, Wishes(difficulty="intermediate"))
    reasons = {placed.move.move_label: placed.reasons for placed in plan.moves}

    assert "It is played as fast as it was danced." in reasons["a"]
    assert "It is played 10 % faster than it was danced, which shows a little." in reasons["b"]
    assert "Its energy, low, is the one of the song here." in reasons["a"]
    assert "Its energy, high, is 2.0 levels from the one of the song here." in reasons["b"]
    assert all("It is beginner, easier than asked." in own for own in reasons.values())
    assert "The couple or its clothes change." in plan.moves[1].reasons
    assert all("It was not danced before." in own for own in reasons.values())


def _six(make_move: MakeMove) -> Library:
    """The size of a first library of one's own: four moves, an intro and an outro, at very different tempi."""
    tempi = {"basic": 129, "hiprolls": 108, "ladyturn": 108, "spin": 129}
    return _library(
        *(make_move(label, tempo=tempo) for label, tempo in tempi.items()),
        make_move("intro", tempo=152, role="intro"),
        make_move("outro", tempo=123, role="outro"),
    )


@pytest.mark.parametrize("tempo", [120, 125, 130, 135])
def test_plan_sequence__six_clips_relaxed__dances_and_says_what_was_given_up(
    make_analysis: MakeAnalysis, make_move: MakeMove, tempo: int
) -> None:
    plan = plan_sequence(make_analysis(40, tempo=tempo), _six(make_move), Wishes(relax=True))

    _assert_covers(plan, plan.analysis)
    assert (plan.moves[0].move.role, plan.moves[-1].move.role) == ("intro", "outro")
    assert _given_up(plan) == _broken(plan)
    assert "repeats" in _given_up(plan)
    assert ("tempo" in _given_up(plan)) == (tempo < 0.85 * 152)
    assert all(before != after for before, after in pairwise(_labels(plan)))


def test_plan_sequence__six_clips__the_sentences_read_well(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    plan = plan_sequence(make_analysis(40, tempo=120), _six(make_move), Wishes(relax=True))

    repeats, tempo = plan.relaxed
    assert repeats == (
        "repeats: 34 of 40 moves come back within 4 eight-counts (basic, hiprolls, ladyturn, spin); "
        "too few others fit this song."
    )
    assert tempo == "tempo: intro: played at 79% of the speed of the clip; the limits are 85% to 118%, on every beat."
    assert "It is played 21 % slower than it was danced, beyond the limits." in plan.moves[0].reasons


def test_plan_sequence__relaxed_but_nothing_to_give_up__is_the_strict_plan(make_analysis: MakeAnalysis) -> None:
    strict, relaxed = (plan_sequence(make_analysis(), STARTER, Wishes(relax=relax)) for relax in (False, True))

    assert strict.moves == relaxed.moves
    assert relaxed.relaxed == ()


def test_plan_sequence__harder_intro__is_danced_only_when_difficulty_may_be_given_up(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    library = _library(*(make_move(name) for name in "abcde"), make_move("in", role="intro", difficulty="advanced"))

    without = plan_sequence(make_analysis(), library, Wishes(difficulty="beginner"))
    plan = plan_sequence(make_analysis(), library, Wishes(difficulty="beginner", relax=True))

    assert without.relaxed == ("ends: of the moves to choose from, no intro is as easy as asked for.",)
    assert {placed.move.role for placed in without.moves} == {None}
    assert plan.relaxed == ("difficulty: in: up to advanced, harder than the beginner asked for.",)
    assert "It is advanced, harder than asked." in plan.moves[0].reasons


def test_plan_sequence__style_that_no_move_has__is_given_up_only_when_it_may_be(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    library = _library(*(make_move(name, style="playful") for name in "abcde"))

    with pytest.raises(SequencingError, match=r"^CH045  none .* style 'sad'; they have playful\. Choose another style"):
        plan_sequence(make_analysis(), library, Wishes(style="sad"))
    plan = plan_sequence(make_analysis(), library, Wishes(style="sad", relax=("style",)))

    assert plan.relaxed == ("style: none of the moves to choose from is sad.",)
    assert "Its style is playful, not sad." in plan.moves[0].reasons


@pytest.mark.parametrize("relevance", [{"a": 1.5}, {"a": float("nan")}])
def test_plan_sequence__relevance_out_of_range__is_refused(
    make_analysis: MakeAnalysis, make_move: MakeMove, relevance: dict[str, float]
) -> None:
    with pytest.raises(SequencingError, match=r"^CH052  the relevance of a is (1\.5|nan); it must be from 0 to 1"):
        plan_sequence(make_analysis(), _library(make_move("a")), Wishes(), relevance=relevance)


def test_plan_sequence__relevance_of_another_library__is_refused(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    with pytest.raises(SequencingError, match=r"^CH053  none of the 1 clips that the search found .* Search in the"):
        plan_sequence(make_analysis(), _library(make_move("a")), Wishes(), relevance={"b": 1.0})


def test_plan_sequence__poses_of_two_kinds__names_the_move(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    library = _library(
        *(make_move(name, end_pose=(0.0, 0.0)) for name in "abcd"), make_move("e", end_pose=(0.0, 0.0, 1.0))
    )

    with pytest.raises(SequencingError, match=r"^CH058  end_pose of e has 3 numbers; it needs 2 finite ones"):
        plan_sequence(make_analysis(6), library, Wishes())


def _dancers(make_move: MakeMove, *, couples: int, figures: int, clips: int) -> Library:
    """As many films of each figure by each couple; every couple stands in its own way."""
    return _library(
        *(
            make_move(f"{couple}-{figure}-{clip}", label=f"figure{figure}", wardrobe=f"couple {couple}")
            for couple in range(couples)
            for figure in range(figures)
            for clip in range(clips)
        )
    )


def test_plan_sequence__enough_films__shows_few_of_them_again(
    make_analysis: MakeAnalysis, make_move: MakeMove, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = _dancers(make_move, couples=1, figures=8, clips=3)
    plan = plan_sequence(make_analysis(30), library, Wishes())
    monkeypatch.setattr("bachateo.sequence.costs.AGAIN_COSTS", (0.0, 0.0))
    without = plan_sequence(make_analysis(30), library, Wishes())

    assert plan.distinct_share > 0.7
    assert "films" not in _given_up(plan)
    assert without.distinct_share < plan.distinct_share


def test_plan_sequence__film_again__is_far_from_where_it_was(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    plan = plan_sequence(make_analysis(40), _dancers(make_move, couples=1, figures=20, clips=1), Wishes())
    began: dict[str, list[int]] = {}
    for number, placed in enumerate(plan.moves):
        began.setdefault(placed.move.clip_id, []).append(number)

    assert all(after - before >= 10 for numbers in began.values() for before, after in pairwise(numbers))
    assert max(len(numbers) for numbers in began.values()) <= 3


def test_plan_sequence__beginners_with_twelve_films__see_nearly_all_of_them(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    library = _library(
        *(make_move(f"{figure}{clip}", label=figure) for figure in "abcdef" for clip in range(2)),
        *(make_move(f"hard{n}", difficulty="advanced") for n in range(6)),
    )

    plan = plan_sequence(make_analysis(42), library, Wishes(difficulty="beginner"))

    assert len({placed.move.clip_id for placed in plan.moves}) >= 10


def test_plan_sequence__several_couples__stays_with_one_as_long_as_it_has_films(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    plan = plan_sequence(make_analysis(28), _dancers(make_move, couples=5, figures=8, clips=2), Wishes(seed=3))

    assert plan.changes_share is not None
    assert plan.changes_share <= 0.25
    assert plan.distinct_share >= 0.6
    assert plan.relaxed == ()


def test_plan_sequence__each_couple_dances_one_figure__says_that_the_clothes_change(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    library = _library(*(make_move(name, wardrobe=f"couple {name}") for name in "abcdefgh"))

    plan = plan_sequence(make_analysis(20), library, Wishes())

    assert plan.relaxed[-1] == (
        "couple: the couple or its clothes change at 19 of 19 cuts; in the same clothes too few moves fit."
    )


def test_plan_sequence__wardrobes_unknown__says_nothing_of_clothes(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    plan = plan_sequence(make_analysis(8), _library(*(make_move(name) for name in "abcdefgh")), Wishes())

    assert plan.changes_share is None
    assert "couple" not in _given_up(plan)


def test_plan_sequence__looks__the_join_decides_where_poses_are_unknown(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    left, right = ((middle, 0.2, 0.8, *(0.5,) * 8) for middle in (0.2, 0.8))
    library = _library(
        make_move("in", role="intro", start_look=left, end_look=right),
        make_move("smooth", start_look=right, end_look=left, quality_score=0.5),
        make_move("rough", start_look=left, end_look=right),
        make_move("out", role="outro", start_look=left, end_look=left),
    )

    plan = plan_sequence(make_analysis(3), library, Wishes())

    assert _labels(plan) == ["in", "smooth", "out"]
    assert "It begins in a close hold, as the move before ends." in plan.moves[1].reasons


def test_plan_sequence__intro_at_another_tempo__is_left_out_and_told(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    library = _library(*(make_move(name) for name in "abcde"), make_move("walk", tempo=220, role="intro"))

    plan = plan_sequence(make_analysis(), library, Wishes())

    assert plan.relaxed == ("ends: of the moves to choose from, no intro fits.",)
    assert plan.moves[0].move.role is None


def test_plan_sequence__one_drawing_at_three_tempi__is_one_film(make_analysis: MakeAnalysis) -> None:
    plan = plan_sequence(make_analysis(40), STARTER, Wishes(difficulty="beginner"))

    shown = {placed.move.film for placed in plan.moves}
    assert plan.distinct_share == len(shown) / len(plan.moves)
    # Another tempo of the same drawing is no variety: the nearest one is danced.
    assert {placed.move.estimated_tempo for placed in plan.moves} == {128}

"""Why there is no plan: every message, and that what it says would help does help."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bachateo.errors import SequencingError
from bachateo.moves import Library, Move
from bachateo.music import Analysis
from bachateo.sequence import Wishes, plan_sequence

MakeAnalysis = Callable[..., Analysis]
MakeMove = Callable[..., Move]


def _refused(analysis: Analysis, *moves: Move, wishes: Wishes | None = None) -> str:
    """Return the message; when it names what to relax, that must be enough."""
    wishes, library = wishes or Wishes(), Library(Path("library"), moves)
    with pytest.raises(SequencingError) as caught:
        plan_sequence(analysis, library, wishes)
    relaxing = re.search(r", or relax ([a-z, ]+)\.$", str(caught.value))
    if relaxing:
        words = tuple(re.split(r", | and ", relaxing[1]))
        assert plan_sequence(analysis, library, replace(wishes, relax=words)).moves
    else:
        with pytest.raises(SequencingError):
            plan_sequence(analysis, library, replace(wishes, relax=True))
    return str(caught.value)


def test_refusal__nothing_easy_enough__says_so(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    moves = [make_move(name, difficulty="advanced") for name in "abcde"]

    assert _refused(make_analysis(), *moves, wishes=Wishes(difficulty="beginner")) == (
        "CH041  none of the 5 moves is beginner or easier. Raise the difficulty or add easier moves to the library, "
        "or relax difficulty."
    )


def test_refusal__tempo_out_of_reach__says_what_can_be_danced(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    assert _refused(make_analysis(tempo=170), make_move("a", tempo=120), make_move("b", tempo=120)) == (
        "CH042  the song is at 170 bpm at 1 s; the 2 moves allowed there can be danced at 102 to 142 bpm. Choose "
        "another song, or add moves at this tempo to the library."
    )


def test_refusal__tempo_changes_in_the_song__says_where(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    slow, fast = make_analysis(6), make_analysis(6, tempo=160)
    turn = slow.beats_s[1 + 24]
    beats_s = (*slow.beats_s[: 1 + 24], *(turn + beat - fast.beats_s[1] for beat in fast.beats_s[1:26]))
    song = replace(slow, beats_s=beats_s, duration_s=beats_s[-1] + 0.2)

    message = _refused(song, *(make_move(name) for name in "abcde"))

    assert message.startswith(
        "CH042  the song is at 160 bpm at 12 s; the 5 moves allowed there can be danced at 109 to"
    )
    assert message.endswith("or relax tempo.")


def test_refusal__one_beat_out_of_step__says_which(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    song = make_analysis(6)
    beats = list(song.beats_s)
    beats[20] += 0.12

    assert _refused(replace(song, beats_s=tuple(beats)), *(make_move(name) for name in "abcde")) == (
        "CH047  the beat at 10.0 s lasts 0.35 s (172 bpm) in an eight-count at 128 bpm; no move follows it within 85% "
        "to 118% on every beat. Correct the beats of the song, or choose another."
    )


def test_refusal__one_move_only__says_what_is_there(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    assert _refused(make_analysis(), make_move("lonely")) == (
        "CH043  too few moves fit this song to dance none again within 4 eight-counts: between intro and outro there "
        "is lonely. Add moves at this tempo to the library, or relax repeats."
    )


def test_refusal__too_few_easy_moves__says_that_harder_ones_would_help(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    moves = [make_move("a"), make_move("b"), *(make_move(name, difficulty="advanced") for name in "cde")]

    assert _refused(make_analysis(), *moves, wishes=Wishes(difficulty="beginner")) == (
        "CH043  too few moves fit this song to dance none again within 4 eight-counts: between intro and outro there "
        "are a, b. Raise the difficulty or add moves at this tempo to the library, or relax repeats."
    )


def test_refusal__only_long_moves__says_which_lengths_there_are(
    make_analysis: MakeAnalysis, make_move: MakeMove
) -> None:
    assert _refused(make_analysis(5), make_move("a", beats=16), make_move("b", beats=32)) == (
        "CH049  the moves whose tempo fits do not fill the 5 eight-counts of the song without a gap, with "
        "their intro and outro: the library has lengths of 2, 4 eight-counts. Add shorter moves to the library."
    )


def test_refusal__only_ends__says_that_nothing_is_between(make_analysis: MakeAnalysis, make_move: MakeMove) -> None:
    message = _refused(make_analysis(5), make_move("in", role="intro"), make_move("out", role="outro"))

    assert message.startswith("CH049  the moves whose tempo fits do not fill the 5 eight-counts")

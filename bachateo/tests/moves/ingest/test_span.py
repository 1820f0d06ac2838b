from __future__ import annotations

import pytest

from bachateo.errors import ClipError
from bachateo.moves.ingest.span import choose_spans

BEAT_S = 0.5


def _spans(count: int, first: int = 0, start_s: float = 0.0, **said: object) -> list[tuple[int, int]]:
    beats_s = [0.1 + number * BEAT_S for number in range(count)]
    spans = choose_spans(beats_s, first, (start_s, beats_s[-1] + 0.2), **said)
    for span in spans:
        assert list(span.beats_s) == beats_s[span.first_count : span.first_count + span.beats + 1]
        assert span.tempo_bpm == pytest.approx(120)
    return [(span.first_count, span.beats) for span in spans]


@pytest.mark.parametrize(
    ("beats", "first", "spans"),
    [
        (9, 0, [(0, 8)]),
        (17, 2, [(2, 8)]),
        (17, 0, [(0, 16)]),
        (28, 3, [(3, 16), (19, 8)]),
        (33, 0, [(0, 32)]),
        (70, 1, [(1, 32), (33, 32)]),
        (60, 0, [(0, 32), (32, 16), (48, 8)]),
    ],
)
def test_choose_spans__eight_counts__become_the_longest_moves(
    beats: int, first: int, spans: list[tuple[int, int]]
) -> None:
    assert _spans(beats, first) == spans


def test_choose_spans__role__keeps_the_beginning_of_an_intro_and_the_end_of_an_outro() -> None:
    assert _spans(28, 3, role="intro") == [(3, 16)]
    assert _spans(28, 3, role="outro") == [(11, 16)]
    assert _spans(18, 1, role="outro") == [(1, 16)]


def test_choose_spans__length_said__is_obeyed() -> None:
    assert _spans(28, 3, beats=8) == [(3, 8)]


def test_choose_spans__sound_before_the_pictures__begins_on_the_1_that_is_seen() -> None:
    assert _spans(28, 2, start_s=1.2) == [(10, 16)]
    assert _spans(28, 2, start_s=1.12) == [(2, 16), (18, 8)]


def test_choose_spans__pictures_end_early__leaves_out_what_is_not_seen() -> None:
    beats_s = [number * BEAT_S for number in range(40)]

    assert [span.beats for span in choose_spans(beats_s, 0, (0, 8.0))] == [16]
    assert [span.beats for span in choose_spans(beats_s, 0, (0, 7.96))] == [16]
    assert [span.beats for span in choose_spans(beats_s, 0, (0, 7.9))] == [8]


@pytest.mark.parametrize(
    ("beats", "first", "said", "message"),
    [
        (8, 0, {}, r"CH089  7 of the 8 beats of the clip come after its first 1, beat 0; a move needs 8\."),
        (
            12,
            4,
            {},
            r"CH089  7 of the 12 beats .* beat 4; a move needs 8\. Give a longer clip, or say with first_count",
        ),
        (20, 4, {"beats": 16}, r"CH089  15 of the 20 beats .*; a move needs 16\."),
        (12, 40, {}, r"CH089  0 of the 12 beats"),
    ],
)
def test_choose_spans__too_few_beats__says_how_many_are_missing(
    beats: int, first: int, said: dict[str, int], message: str
) -> None:
    with pytest.raises(ClipError, match=f"^{message}"):
        _spans(beats, first, **said)

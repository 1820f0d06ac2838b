from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bachateo.media.clips import Clip
from bachateo.moves import Move
from bachateo.music import Analysis
from bachateo.sequence import PlacedMove
from bachateo.video.warp import TIMESCALE_HZ, Shown, warp_clip

FRAMES = tuple(frame / 30 for frame in range(113))  # 8 beats at 128 bpm are 112.5 pictures
PER_BEAT = 15  # pictures, at 120 bpm


def _clip(times_s: Sequence[float], keyframes: Sequence[int] = (0,)) -> Clip:
    pictures = tuple((b"", number in keyframes) for number in range(len(times_s)))
    return Clip(Path("a.mp4"), ("h264", 2, 2, b""), tuple(times_s), pictures)


def _song(beats_s: Sequence[float], *, restarts: tuple[int, ...] = (), duration_s: float | None = None) -> Analysis:
    times_s = tuple(float(beat_s) for beat_s in beats_s)
    return Analysis(duration_s or times_s[-1], 120, times_s, 0, (0.5,), restarts=restarts)


def _placed(move: Move, start_s: float, end_s: float) -> PlacedMove:
    return PlacedMove(move, Path(move.video_path), 0, start_s, end_s, 1.0)


def test_warp_clip__song_that_drifts__puts_beat_on_beat(make_move: Callable[..., Move]) -> None:
    move = make_move("a", tempo=120)
    song = np.cumsum([0.0, 0.5, 0.52, 0.48, 0.55, 0.51, 0.5, 0.47, 0.5]) + 3
    clip = _clip([frame / 30 for frame in range(120)])

    shown = warp_clip(clip, _placed(move, song[0], song[8]), _song(song))

    np.testing.assert_allclose(shown.ticks[::PER_BEAT] / TIMESCALE_HZ, song[:8], atol=1e-5)
    np.testing.assert_array_equal(shown.pictures, np.arange(120))


@given(st.lists(st.floats(0.3, 0.7), min_size=8, max_size=8), st.floats(0, 3))
def test_warp_clip__any_song__times_ascend_and_stay_inside(gaps: list[float], start: float) -> None:
    beats_s = tuple(beat * 60 / 128 for beat in range(9))
    move = Move("a", "a", "beginner", "low", "both", 128, 1, 113, "a.mp4", "1", 8, beats_s)
    song = np.cumsum([start, *gaps])

    ticks = warp_clip(_clip(FRAMES), _placed(move, song[0], song[8]), _song(song)).ticks

    assert ticks[0] == round(song[0] * TIMESCALE_HZ)
    assert (np.diff(ticks) > 0).all()
    assert ticks[-1] <= round(song[8] * TIMESCALE_HZ)
    assert len(ticks) == 113


def test_warp_clip__song_ends_within_the_move__leaves_the_rest_out(make_move: Callable[..., Move]) -> None:
    song = _song(0.5 * np.arange(9))

    ticks = warp_clip(_clip(FRAMES), _placed(make_move("a"), 0.0, 2.2), song).ticks

    assert 2.1 < ticks[-1] / TIMESCALE_HZ < 2.2


def test_warp_clip__pictures_after_the_last_beat__are_left_out(make_move: Callable[..., Move]) -> None:
    clip = _clip([frame / 30 for frame in range(200)])

    shown = warp_clip(clip, _placed(make_move("a"), 0.0, 4.0), _song(0.5 * np.arange(9)))

    assert len(shown.ticks) == 113


def test_warp_clip__picture_a_microsecond_before_the_end__does_not_share_its_time_with_the_next_move(
    make_move: Callable[..., Move],
) -> None:
    move = make_move("a", tempo=120)
    clip = _clip((*FRAMES[:100], move.beats_s[-1] - 1e-6))

    ticks = warp_clip(clip, _placed(move, 0.0, 4.0), _song(0.5 * np.arange(9))).ticks

    assert ticks[-1] < round(4.0 * TIMESCALE_HZ)
    assert len(ticks) == 100


def _beats_shown(shown: Shown) -> list[tuple[float, float]]:
    """Return for each picture on a beat of the clip which beat that is, and when it is shown, in seconds."""
    pairs = zip(shown.pictures.tolist(), shown.ticks.tolist(), strict=True)
    return [(picture // PER_BEAT, round(tick / TIMESCALE_HZ, 4)) for picture, tick in pairs if picture % PER_BEAT == 0]


@pytest.mark.parametrize("more", [1, 2, 4, 7])
def test_warp_clip__music_has_beats_more__the_eight_begins_again_beat_on_beat(
    make_move: Callable[..., Move], more: int
) -> None:
    song = np.cumsum([0.0, *np.tile([0.5, 0.52, 0.47, 0.51], 8)])
    placed = _placed(make_move("a", tempo=120), 0.0, song[8 + more])
    analysis = _song(song, restarts=(8 + more,))
    clip = _clip([frame / 30 for frame in range(120)], keyframes=(0, 60))

    shown = warp_clip(clip, placed, analysis)

    counts = [count - 1 for count in analysis.counts[: 8 + more]]
    assert _beats_shown(shown) == [
        (count, round(at_s, 4)) for count, at_s in zip(counts, song[: 8 + more], strict=True)
    ]
    assert (np.diff(shown.ticks) > 0).all()
    assert shown.ticks[-1] < round(placed.end_s * TIMESCALE_HZ)


def test_warp_clip__beats_more_within_a_long_move__its_second_eight_begins_on_their_next_one(
    make_move: Callable[..., Move],
) -> None:
    song = np.cumsum([0.0, *np.tile([0.5, 0.52, 0.47, 0.51], 8)])
    clip = _clip([frame / 30 for frame in range(240)], keyframes=(0, 60, 120, 180))

    shown = warp_clip(clip, _placed(make_move("a", tempo=120, beats=16), 0.0, song[20]), _song(song, restarts=(12,)))

    beats = [*range(8), *range(4), *range(8, 16)]
    assert _beats_shown(shown) == [(beat, round(at_s, 4)) for beat, at_s in zip(beats, song[:20], strict=True)]


@pytest.mark.parametrize(
    ("beats", "keyframes"), [(8, (1,)), (16, (0, 60))], ids=["none to begin with", "none to go on with"]
)
def test_warp_clip__clip_that_cannot_be_entered_there__is_held_until_the_next_one(
    make_move: Callable[..., Move], beats: int, keyframes: tuple[int, ...]
) -> None:
    song = 0.5 * np.arange(33)
    placed = _placed(make_move("a", tempo=120, beats=beats), 0.0, song[beats + 4])

    shown = warp_clip(
        _clip([frame / 30 for frame in range(beats * PER_BEAT)], keyframes), placed, _song(song, restarts=(12,))
    )

    np.testing.assert_array_equal(shown.pictures, np.arange(beats * PER_BEAT))
    assert _beats_shown(shown) == [(beat, song[beat if beat < 8 else beat + 4]) for beat in range(beats)]

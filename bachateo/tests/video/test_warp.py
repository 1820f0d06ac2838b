from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bachateo.moves import Move
from bachateo.sequence import PlacedMove
from bachateo.video.warp import TIMESCALE_HZ, warp_times

FRAMES = tuple(frame / 30 for frame in range(113))  # 8 beats at 128 bpm are 112.5 pictures


def _placed(move: Move, start_s: float, end_s: float) -> PlacedMove:
    return PlacedMove(move, Path(move.video_path), 0, start_s, end_s, 1.0)


def test_warp_times__song_that_drifts__puts_beat_on_beat(make_move: Callable[..., Move]) -> None:
    move = make_move("a", tempo=120)
    song = np.cumsum([0.0, 0.5, 0.52, 0.48, 0.55, 0.51, 0.5, 0.47, 0.5]) + 3
    frames = tuple(frame / 30 for frame in range(120))

    ticks = warp_times(frames, _placed(move, song[0], song[8]), song)

    np.testing.assert_allclose(ticks[::15] / TIMESCALE_HZ, song[:8], atol=1e-5)


@given(st.lists(st.floats(0.3, 0.7), min_size=8, max_size=8), st.floats(0, 3))
def test_warp_times__any_song__times_ascend_and_stay_inside(gaps: list[float], start: float) -> None:
    beats_s = tuple(beat * 60 / 128 for beat in range(9))
    move = Move("a", "a", "beginner", "low", "both", 128, 1, 113, "a.mp4", "1", 8, beats_s)
    song = np.cumsum([start, *gaps])

    ticks = warp_times(FRAMES, _placed(move, song[0], song[8]), song)

    assert ticks[0] == round(song[0] * TIMESCALE_HZ)
    assert (np.diff(ticks) > 0).all()
    assert ticks[-1] <= round(song[8] * TIMESCALE_HZ)
    assert len(ticks) == 113


def test_warp_times__song_ends_within_the_move__leaves_the_rest_out(make_move: Callable[..., Move]) -> None:
    song = 0.5 * np.arange(5)

    ticks = warp_times(FRAMES, _placed(make_move("a"), 0.0, 2.2), song)

    assert 2.1 < ticks[-1] / TIMESCALE_HZ < 2.2


def test_warp_times__pictures_after_the_last_beat__are_left_out(make_move: Callable[..., Move]) -> None:
    song = 0.5 * np.arange(9)
    frames = tuple(frame / 30 for frame in range(200))

    ticks = warp_times(frames, _placed(make_move("a"), 0.0, 4.0), song)

    assert len(ticks) == 113


def test_warp_times__picture_a_microsecond_before_the_end__does_not_share_its_time_with_the_next_move(
    make_move: Callable[..., Move],
) -> None:
    song = 0.5 * np.arange(9)
    move = make_move("a", tempo=120)

    ticks = warp_times((*FRAMES[:100], move.beats_s[-1] - 1e-6), _placed(move, 0.0, 4.0), song)

    assert ticks[-1] < round(4.0 * TIMESCALE_HZ)
    assert len(ticks) == 100

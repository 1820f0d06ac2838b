"""Where each picture of a clip belongs in the song."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bachateo.media.clips import Clip
from bachateo.music.analysis import COUNTS, Analysis
from bachateo.sequence import PlacedMove

TIMESCALE_HZ = 90_000

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Shown:
    """What of a clip is shown, and when.

    Attributes
    ----------
    pictures
        Which of its pictures, shape ``(n,)``: one after the other, but where it begins again, on a keyframe.
    ticks
        When each is shown in the song, in ticks of ``TIMESCALE_HZ``, strictly ascending, shape ``(n,)``.
    """

    pictures: Indices
    ticks: Indices


def warp_clip(clip: Clip, placed: PlacedMove, analysis: Analysis, *, closes: bool = False) -> Shown:
    """Stretch a clip beat by beat, so that each of its beats falls on one of the song's.

    Parameters
    ----------
    clip
        The pictures of the move.
    placed
        The move and its place.
    analysis
        The song.
    closes
        Whether it is the last move.

    Returns
    -------
    Shown
        The first picture is exactly where the move begins. Where the music has beats more before its next 1, the
        dancers begin their eight-count again for so long, as they are counted; a clip without a keyframe there is held
        instead. Pictures after the last beat of the move or after its end in the song are left out. Where the song
        goes on for more than a beat after the last move, the pictures after its last beat are spread over the rest:
        they are an ending, see :mod:`bachateo.moves.encoding`.
    """
    times_s, marked_s = np.asarray(clip.times_s), np.asarray(placed.move.beats_s)
    ends = max(1, int(np.searchsorted(times_s, marked_s[-1])))
    parts = []
    begins = [0, *(_nearest(times_s, mark_s) for mark_s in marked_s[COUNTS:-1:COUNTS]), ends]
    ones = analysis.eights_from(placed.first_beat, placed.move.eight_counts + 1)
    for eight, (one, next_one) in enumerate(pairwise(ones)):
        first, after = begins[eight : eight + 2]
        from_one_s = marked_s[COUNTS * eight :]
        parts.append(_part(range(first, after), from_one_s[: COUNTS + 1], _beats(analysis, one, COUNTS), times_s))
        more = next_one - one - COUNTS
        if more and all(clip.pictures[entered][1] for entered in (first, after) if entered < ends):
            again = range(first, max(first + 1, _nearest(times_s, from_one_s[more])))
            parts.append(_part(again, from_one_s[: more + 1], _beats(analysis, one + COUNTS, more), times_s))
    if closes:
        parts.append(_ending(range(ends, len(times_s)), placed, _beats(analysis, ones[-1] - 1, 1)))
    pictures, shown_s = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return _in_ticks(pictures, shown_s, placed)


def _nearest(times_s: Array, at_s: float) -> int:
    return int(np.abs(times_s - at_s).argmin())


def _beats(analysis: Analysis, first: int, count: int) -> Array:
    """Return the time of each of so many beats and of the one after; after the song's last one they go on as before."""
    beats_s, last = np.asarray(analysis.beats_s), len(analysis.beats_s) - 1
    indices = first + np.arange(count + 1)
    times: Array = beats_s[np.minimum(indices, last)] + (indices - last).clip(0) * (beats_s[-1] - beats_s[-2])
    return times


def _part(pictures: range, marked_s: Array, targets_s: Array, times_s: Array) -> tuple[Indices, Array]:
    """Return pictures and when each is shown; the first one on the first beat, of which it is the nearest picture."""
    if not pictures:
        return np.empty(0, np.int64), np.empty(0)
    shown_s = np.interp(times_s[pictures.start : pictures.stop], marked_s, targets_s)
    shown_s[0] = targets_s[0]
    return np.array(pictures, np.int64), shown_s


def _ending(pictures: range, placed: PlacedMove, last_beat_s: Array) -> tuple[Indices, Array]:
    before_s, end_s = last_beat_s
    if placed.end_s - end_s <= end_s - before_s:
        pictures = pictures[:0]
    shown_s = np.linspace(end_s, placed.end_s, len(pictures), endpoint=False)
    return np.array(pictures, np.int64), shown_s


def _in_ticks(pictures: Indices, shown_s: Array, placed: PlacedMove) -> Shown:
    ticks = np.round(shown_s * TIMESCALE_HZ).astype(np.int64)
    ticks[0] = round(placed.start_s * TIMESCALE_HZ)
    # Two pictures may never share a time, however fast the song is.
    steps = np.arange(len(ticks))
    ticks = np.maximum.accumulate(ticks - steps) + steps
    # Compared in ticks: a picture a microsecond before the end would share its time with the next move's first.
    kept = slice(max(1, int(np.searchsorted(ticks, round(placed.end_s * TIMESCALE_HZ)))))
    return Shown(pictures[kept], ticks[kept])

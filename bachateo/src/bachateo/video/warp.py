"""Where each picture of a clip belongs in the song."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bachateo.sequence import PlacedMove

TIMESCALE_HZ = 90_000


def warp_times(
    times_s: Sequence[float], placed: PlacedMove, song_beats_s: Sequence[float], *, closes: bool = False
) -> NDArray[np.int64]:
    """Stretch a clip beat by beat, so that each of its beats falls on one of the song's.

    Parameters
    ----------
    times_s
        When each picture is shown in the clip, in seconds from its first.
    placed
        The move and its place.
    song_beats_s
        Beats of the song in seconds.
    closes
        Whether it is the last move.

    Returns
    -------
    ndarray
        When each picture is shown in the song, in ticks of ``TIMESCALE_HZ``, strictly ascending. The first is
        exactly where the move begins. Pictures after the last beat of the move or after its end in the song are
        left out, so the result may be shorter than ``times_s``. Where the song goes on for more than a beat after the
        last move, the pictures after its last beat are spread over the rest: they are an ending, see
        :mod:`bachateo.moves.encoding`.
    """
    move = placed.move
    wanted = np.arange(placed.first_beat, placed.first_beat + move.beats + 1)
    targets_s = _beats_at(wanted, np.asarray(song_beats_s))
    times = np.asarray(times_s)
    shown_s = np.interp(times, move.beats_s, targets_s)
    danced = times < move.beats_s[-1]
    danced[0] = True
    if closes and placed.end_s - targets_s[-1] > targets_s[-1] - targets_s[-2]:
        shown_s[~danced] = np.linspace(targets_s[-1], placed.end_s, np.count_nonzero(~danced), endpoint=False)
        danced[:] = True
    ticks = np.round(shown_s[danced] * TIMESCALE_HZ).astype(np.int64)
    ticks[0] = round(placed.start_s * TIMESCALE_HZ)
    # Two pictures may never share a time, however fast the song is.
    steps = np.arange(len(ticks))
    ticks = np.maximum.accumulate(ticks - steps) + steps
    # Compared in ticks: a picture a microsecond before the end would share its time with the next move's first.
    return ticks[: max(1, int(np.searchsorted(ticks, round(placed.end_s * TIMESCALE_HZ))))]


def _beats_at(indices: NDArray[np.int64], beats_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the time of each beat; after the song's last one the beat goes on as before."""
    beyond = np.clip(indices - (len(beats_s) - 1), 0, None)
    times: NDArray[np.float64] = beats_s[np.minimum(indices, len(beats_s) - 1)] + beyond * (beats_s[-1] - beats_s[-2])
    return times

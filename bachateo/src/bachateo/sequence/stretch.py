"""How far a clip must be stretched to be danced in a place, over the eight-count and beat by beat."""

from __future__ import annotations

import numpy as np

from bachateo.sequence.phrases import Phrases
from bachateo.sequence.table import Array, Flags, MoveTable, Rows

# Tempo of the song divided by tempo of the clip. Outside RATIOS people look like puppets; inside PREFERRED_RATIOS
# it is not noticed. Even relaxed, nothing is danced outside WIDEST_RATIOS: a third slower, and no step is recognised.
RATIOS = (0.85, 1.18)
PREFERRED_RATIOS = (0.92, 1.08)
WIDEST_RATIOS = (0.75, 1.33)
ROUNDING = 1e-9  # beats are stored in decimals, so a clip at exactly the limit may seem a hair beyond it


class Stretch:
    """The ratio of tempi of every move in every eight-count.

    Notes
    -----
    The ratio over an eight-count is a weighted mean of the ratios of its beats. So when it is outside the limits a
    beat is too, and when the longest interval of the clip over the shortest of the song, and the reverse, are inside,
    every beat is. Only what lies between is looked at beat by beat, and the result is exact.
    """

    def __init__(self, table: MoveTable, phrases: Phrases) -> None:
        self._table, self._phrases = table, phrases
        self._clip = _summary(table.intervals_s)
        self._song = _summary(phrases.intervals_s)

    def ratios(self, rows: Rows, slot: int, step: int) -> Array:
        """Return the ratio over the eight-count ``slot``, danced by the ``step``-th eight-count of the moves.

        Parameters
        ----------
        rows
            Rows of the table.
        slot
            Eight-count of the song, 0 for the first.
        step
            Eight-count of the moves, 0 for the first.
        """
        whole, _, _ = self._clip
        ratios: Array = whole[self._table.first[rows] + step] / self._song[0][slot]
        return ratios

    def within(self, rows: Rows, slot: int, step: int, limits: tuple[float, float]) -> Flags:
        """Return which moves stay within the limits on every beat.

        Parameters
        ----------
        rows
            Rows of the table.
        slot
            Eight-count of the song, 0 for the first.
        step
            Eight-count of the moves, 0 for the first.
        limits
            The smallest and the largest ratio.
        """
        low, high = limits[0] - ROUNDING, limits[1] + ROUNDING
        parts = self._table.first[rows] + step
        whole, shortest, longest = (values[parts] for values in self._clip)
        song, song_shortest, song_longest = (values[slot] for values in self._song)
        sure: Flags = (shortest >= low * song_longest) & (longest <= high * song_shortest)
        open_ = np.flatnonzero(~sure & (whole >= low * song) & (whole <= high * song))
        beats = self._table.intervals_s[parts[open_]] / self._phrases.intervals_s[slot]
        sure[open_] = (beats.min(axis=1) >= low) & (beats.max(axis=1) <= high)
        return sure


def _summary(intervals_s: Array) -> tuple[Array, Array, Array]:
    return intervals_s.sum(axis=1), intervals_s.min(axis=1), intervals_s.max(axis=1)

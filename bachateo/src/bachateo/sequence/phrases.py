"""The song as the search sees it: eight-counts, each with its beats and the energy it wants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bachateo.moves import ENERGY_LEVELS
from bachateo.music import Analysis
from bachateo.music.analysis import COUNTS
from bachateo.sequence.wishes import Wishes

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Phrases:
    """The eight-counts of a song.

    Attributes
    ----------
    intervals_s
        Seconds from each beat to the next, ``(eight-counts + 1, 8)``. The last row is what comes after the last
        complete eight-count, where an outro may go on: the beats that are there, then as before.
    energy
        The energy wanted in each, from 0 (low) to 2 (high), ``(eight-counts,)``.
    """

    intervals_s: Array
    energy: Array

    @classmethod
    def of(cls, analysis: Analysis, wishes: Wishes) -> Phrases:
        """Cut a song into its eight-counts; the energy is the song's, or the one that was wished for."""
        slots = analysis.eight_counts
        intervals = np.diff(np.asarray(analysis.beats_s))
        intervals = np.pad(intervals, (0, 2 * COUNTS), mode="edge")
        starts = np.array([*analysis.starts[:slots], analysis.starts[slots - 1] + COUNTS])
        wanted = np.array(analysis.energy) * (len(ENERGY_LEVELS) - 1)
        if wishes.energy:
            wanted = np.full(slots, float(ENERGY_LEVELS.index(wishes.energy)))
        return cls(intervals[starts[:, None] + np.arange(COUNTS)], wanted)

    def __len__(self) -> int:
        """Return how many complete eight-counts there are."""
        return len(self.energy)

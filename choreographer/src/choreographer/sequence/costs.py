"""How badly a move suits a place in the song."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from choreographer.moves import DIFFICULTIES, ENERGY_LEVELS, Move
from choreographer.music import Analysis
from choreographer.music.analysis import COUNTS
from choreographer.sequence.wishes import Wishes

Array = NDArray[np.float64]

# Tempo of the song divided by tempo of the clip. Outside RATIOS people look like puppets; inside PREFERRED_RATIOS
# nobody notices.
RATIOS = (0.85, 1.18)
PREFERRED_RATIOS = (0.92, 1.08)

TEMPO_COST = 20.0  # per unit of ratio outside the preferred ones: 0.1 outside costs as much as a repetition
ENERGY_COST = 0.6  # per level of energy away from the song, or from the wish
EASIER_COST = 0.3  # per level below the difficulty that was asked for
QUALITY_COST = 1.0  # for a quality of 0 instead of 1
SEED_COST = 1.0  # the largest random cost: seeds differ, yet a misfit is not chosen for variety


def move_costs(moves: Sequence[Move], analysis: Analysis, wishes: Wishes) -> Array:
    """Return the cost of each move in each place.

    Returns
    -------
    ndarray
        Shape ``(moves, eight-counts)``; infinite where a move cannot begin, because its tempo is too far from the
        song's or because it does not fit before the song ends. An outro may be cut off by the end.
    """
    ratios = tempo_ratios(moves, analysis)
    low, high = PREFERRED_RATIOS
    outside = np.clip(low - ratios, 0, None) + np.clip(ratios - high, 0, None)
    costs = TEMPO_COST * outside + ENERGY_COST * _energy_misfit(moves, analysis, wishes)
    difficulty = np.array([DIFFICULTIES.index(move.difficulty) for move in moves])
    quality = np.array([move.quality_score for move in moves])
    costs += (QUALITY_COST * (1 - quality))[:, None]
    if wishes.difficulty:
        costs += (EASIER_COST * (wishes.hardest - difficulty))[:, None]
    costs += np.random.default_rng(wishes.seed).uniform(0, SEED_COST, costs.shape)
    costs[(ratios < RATIOS[0]) | (ratios > RATIOS[1])] = np.inf
    return _spread(costs, moves)


def tempo_ratios(moves: Sequence[Move], analysis: Analysis) -> Array:
    """Return the tempo of each eight-count divided by the tempo of each move, ``(moves, eight-counts)``."""
    edges_s = np.array(analysis.beats_s[analysis.first_count :: COUNTS])[: analysis.eight_counts + 1]
    tempi_bpm = 60 * COUNTS / np.diff(edges_s)
    ratios: Array = tempi_bpm / np.array([move.estimated_tempo for move in moves])[:, None]
    return ratios


def _energy_misfit(moves: Sequence[Move], analysis: Analysis, wishes: Wishes) -> Array:
    levels = np.array([ENERGY_LEVELS.index(move.energy_level) for move in moves], float)
    wanted = np.array(analysis.energy) * (len(ENERGY_LEVELS) - 1)
    if wishes.energy:
        wanted = np.full(analysis.eight_counts, float(ENERGY_LEVELS.index(wishes.energy)))
    misfit: Array = np.abs(levels[:, None] - wanted)
    return misfit


def _spread(costs: Array, moves: Sequence[Move]) -> Array:
    """Let a move that spans several eight-counts pay for each, and begin only where it fits."""
    total = costs.copy()
    for row, move in enumerate(moves):
        if move.role == "outro":
            continue
        for later in range(1, move.eight_counts):
            total[row, : -later or None] += costs[row, later:]
            total[row, -later:] = np.inf
    return total

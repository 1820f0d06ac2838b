"""How rough the cut between two moves is."""

from __future__ import annotations

import numpy as np

from bachateo.moves.looks import WEIGHTS
from bachateo.sequence.table import Array, MoveTable, Rows

POSE_COST = 1.5  # per unit of distance between two poses (a trunk, about half a metre)
FARTHEST = 1.0  # a jump is a jump: farther than both dancers changing places costs no more
LOOK_COST = 1.0  # per unit of distance between two looks, where a pose is not known; likewise not more than once
WARDROBE_COST = 1.0  # when the couple or its clothes change
# No join costs more, but where clothes count more; the pruning of candidates counts on it.
MOST = POSE_COST * FARTHEST + WARDROBE_COST


class Joins:
    """The cost of dancing one move after another, of some rows of a table.

    A pose, a look or a wardrobe that is unknown costs nothing.

    Parameters
    ----------
    table
        The moves.
    rows
        Those that are compared.
    clothes
        How many times ``WARDROBE_COST`` a change of clothes costs.
    """

    def __init__(self, table: MoveTable, rows: Rows, *, clothes: float = 1.0) -> None:
        self._place = np.full(len(table), -1, np.intp)
        self._place[rows] = np.arange(len(rows))
        self._ends, self._starts = table.poses(rows, "end_pose"), table.poses(rows, "start_pose")
        self._posed = [~np.isnan(poses.sum(axis=1)) & bool(poses.size) for poses in (self._ends, self._starts)]
        self._looks = [_weighed(table.poses(rows, name)) for name in ("end_look", "start_look")]
        unknown = np.array([not word for word in table.wardrobes])
        self._wardrobe = np.where(unknown[table.wardrobe[rows]], -1, table.wardrobe[rows])
        self._clothes = clothes

    def between(self, before: Rows, after: Rows) -> Array:
        """Return the cost of every join, ``(before, after)``."""
        return self.poses(before, after) + self.looks(before, after) + self._clothes * self.wardrobes(before, after)

    def poses(self, before: Rows, after: Rows) -> Array:
        """Return what the jump from pose to pose costs, ``(before, after)``."""
        if self._ends.shape[1] != self._starts.shape[1]:
            return np.zeros((len(before), len(after)))
        return join_costs(self._ends[self._place[before]], self._starts[self._place[after]])

    def looks(self, before: Rows, after: Rows) -> Array:
        """Return what the jump from look to look costs, ``(before, after)``; nothing where both poses are known."""
        one, other = self._place[before], self._place[after]
        ends, starts = self._looks[0][one], self._looks[1][other]
        if ends.shape[1] != starts.shape[1]:
            return np.zeros((len(before), len(after)))
        posed = self._posed[0][one][:, None] & self._posed[1][other]
        costs: Array = LOOK_COST * np.where(posed, 0, np.minimum(_distances(ends, starts), 1))
        return costs

    def wardrobes(self, before: Rows, after: Rows) -> Array:
        """Return what the change of couple or clothes costs, ``(before, after)``."""
        one, other = self._wardrobe[self._place[before]][:, None], self._wardrobe[self._place[after]]
        costs: Array = WARDROBE_COST * ((one != other) & (one >= 0) & (other >= 0))
        return costs


def join_costs(ends: Array, starts: Array) -> Array:
    """Return what each jump from an end pose to a start pose costs.

    Parameters
    ----------
    ends, starts
        Poses in rows, as in :class:`bachateo.moves.Move`: x and y of each joint. A row of NaN is unknown.

    Returns
    -------
    ndarray
        Shape ``(ends, starts)``, 0 to ``POSE_COST * FARTHEST``: the root mean square of the joints' distances.
    """
    joints = max(ends.shape[1] // 2, 1)
    costs: Array = POSE_COST * np.minimum(_distances(ends, starts) / np.sqrt(joints), FARTHEST)
    return costs


def _weighed(looks: Array) -> Array:
    return looks * WEIGHTS if looks.shape[1] == len(WEIGHTS) else looks


def _distances(left: Array, right: Array) -> Array:
    """Return how far each row of one is from each of the other; 0 where one of them is unknown."""
    # |a - b|² = |a|² + |b|² - 2ab: one product of matrices instead of an array in three dimensions.
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * _product(left, right.T)
    return np.asarray(np.nan_to_num(np.sqrt(np.clip(squares, 0, None))))


def _product(left: Array, right: Array) -> Array:
    # In slices so small that BLAS starts no threads: on a machine with other work they wait for each other, and the
    # product takes twenty times as long.
    return np.concatenate([left[row : row + 16] @ right for row in range(0, len(left), 16)] or [left @ right])

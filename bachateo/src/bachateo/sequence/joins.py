"""How rough the cut between two moves is."""

from __future__ import annotations

import numpy as np

from bachateo.sequence.table import Array, MoveTable, Rows

POSE_COST = 1.5  # per unit of distance between two poses (a trunk, about half a metre)
FARTHEST = 1.0  # a jump is a jump: farther than both dancers changing places costs no more
WARDROBE_COST = 1.0  # when the couple or its clothes change
# No join costs more; the pruning of candidates counts on it.
MOST = POSE_COST * FARTHEST + WARDROBE_COST


class Joins:
    """The cost of dancing one move after another, of some rows of a table.

    A pose or a wardrobe that is unknown costs nothing.
    """

    def __init__(self, table: MoveTable, rows: Rows) -> None:
        self._place = np.full(len(table), -1, np.intp)
        self._place[rows] = np.arange(len(rows))
        self._ends, self._starts = table.poses(rows, "end_pose"), table.poses(rows, "start_pose")
        unknown = np.array([not word for word in table.wardrobes])
        self._wardrobe = np.where(unknown[table.wardrobe[rows]], -1, table.wardrobe[rows])

    def between(self, before: Rows, after: Rows) -> Array:
        """Return the cost of every join, ``(before, after)``."""
        return self.poses(before, after) + self.wardrobes(before, after)

    def poses(self, before: Rows, after: Rows) -> Array:
        """Return what the jump from pose to pose costs, ``(before, after)``."""
        if self._ends.shape[1] != self._starts.shape[1]:
            return np.zeros((len(before), len(after)))
        return join_costs(self._ends[self._place[before]], self._starts[self._place[after]])

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
    # |a - b|² = |a|² + |b|² - 2ab: one product of matrices instead of an array in three dimensions.
    squares = (ends**2).sum(axis=1)[:, None] + (starts**2).sum(axis=1) - 2 * _product(ends, starts.T)
    distances = np.sqrt(np.clip(squares, 0, None) / joints)
    costs: Array = POSE_COST * np.minimum(np.nan_to_num(distances), FARTHEST)
    return costs


def _product(left: Array, right: Array) -> Array:
    # In slices so small that BLAS starts no threads: on a machine with other work they wait for each other, and the
    # product takes twenty times as long.
    return np.concatenate([left[row : row + 16] @ right for row in range(0, len(left), 16)] or [left @ right])

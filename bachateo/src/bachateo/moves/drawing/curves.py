"""Motion between key poses: smooth, and never beyond them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

Keys = Sequence[tuple[float, float]]


def ease(x: float) -> float:
    """Return 0 below 0, 1 above 1, and between them a smooth start and stop."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def bump(x: float) -> float:
    """Return a pulse that is 1 at 0 and has smoothly left 0 at -1 and returned to it at 1."""
    return ease(1 - abs(x))


class Curve:
    """A smooth curve through key values, without overshoot.

    Cubic Hermite pieces with the slopes of Fritsch and Carlson ("Monotone Piecewise Cubic Interpolation", 1980),
    harmonic mean: between equal keys it rests, between rising ones it rises.

    Parameters
    ----------
    keys
        Times and values, times ascending. Before the first and after the last the curve is constant.
    """

    def __init__(self, keys: Keys) -> None:
        self.times = [time for time, _ in keys]
        self.values = [value for _, value in keys]
        steps = [(v1 - v0) / (t1 - t0) for (t0, v0), (t1, v1) in pairwise(keys)]
        inner = [2 * a * b / (a + b) if a * b > 0 else 0.0 for a, b in pairwise(steps)]
        self.slopes = [0.0, *inner, 0.0][: len(self.times)]

    def __call__(self, time: float) -> float:
        """Return the value at ``time``."""
        index = bisect_right(self.times, time)
        if index == 0:
            return self.values[0]
        if index == len(self.times):
            return self.values[-1]
        start, end = self.times[index - 1], self.times[index]
        span = end - start
        x = (time - start) / span
        v0, v1 = self.values[index - 1], self.values[index]
        m0, m1 = self.slopes[index - 1] * span, self.slopes[index] * span
        return v0 + x * (m0 + x * (3 * (v1 - v0) - 2 * m0 - m1 + x * (2 * (v0 - v1) + m0 + m1)))

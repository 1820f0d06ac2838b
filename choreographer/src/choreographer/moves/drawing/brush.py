"""Shapes of the three-dimensional world painted on a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import atan2, cos, pi, sin

import numpy as np
from PIL import ImageDraw

from choreographer.moves.drawing.camera import Camera, Vector

Colour = tuple[int, int, int]
Point = tuple[float, float]

OUTLINE_M = 0.007
# Outlines lie this far behind what they surround, so that parts of one body flow into each other.
BEHIND_M = 0.05


class Brush:
    """Collects shapes with their depth and paints the far ones first.

    Parameters
    ----------
    camera
        Projects the world.
    """

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self._shapes: list[tuple[float, Callable[[ImageDraw.ImageDraw], None]]] = []

    def paint(self, draw: ImageDraw.ImageDraw) -> None:
        """Paint everything, the farthest first."""
        for _, shape in sorted(self._shapes, key=lambda at: at[0]):
            shape(draw)

    def limb(
        self, a: Vector, radius_a: float, b: Vector, radius_b: float, colour: Colour, *, depth: float | None = None
    ) -> None:
        """Add a tapering limb from ``a`` to ``b`` with the radii in metres."""
        ends = [
            (*self.camera.point(at), radius * self.camera.scale(at)) for at, radius in ((a, radius_a), (b, radius_b))
        ]
        edge = OUTLINE_M * self.camera.scale(a)
        at = float(a[2] + b[2]) / 2 if depth is None else depth
        self._shapes.append((at - BEHIND_M, lambda draw: _capsule(draw, ends, edge, _darker(colour))))
        self._shapes.append((at, lambda draw: _capsule(draw, ends, 0.0, colour)))

    def ball(self, at: Vector, radius: float, colour: Colour, *, depth: float, flat: float = 1.0) -> None:
        """Add a ball; ``flat`` is its height relative to its width."""
        x, y = self.camera.point(at)
        r = radius * self.camera.scale(at)
        self._shapes.append((depth, lambda draw: draw.ellipse((x - r, y - r * flat, x + r, y + r * flat), fill=colour)))

    def hull(self, points: Sequence[Vector], colour: Colour, *, depth: float, outlined: bool = True) -> None:
        """Add the convex outline of some points."""
        outline = _convex([self.camera.point(point) for point in points])
        edge = max(1, round(2 * OUTLINE_M * self.camera.scale(points[0])))

        self._shapes.append((depth, lambda draw: draw.polygon(outline, fill=colour)))
        if outlined:
            closed = [*outline, outline[0]]
            self._shapes.append((depth - BEHIND_M, lambda draw: draw.line(closed, fill=_darker(colour), width=edge)))

    def line(self, points: Sequence[Vector], colour: Colour, width_m: float, *, depth: float) -> None:
        """Add a line through some points."""
        path = [self.camera.point(point) for point in points]
        width = max(1, round(width_m * self.camera.scale(points[0])))
        self._shapes.append((depth, lambda draw: draw.line(path, fill=colour, width=width, joint="curve")))


_ANGLES = np.linspace(0, 2 * pi, 16, endpoint=False)
_CIRCLE = np.stack((np.cos(_ANGLES), np.sin(_ANGLES)), axis=1)


def ring(centre: Vector, axis: Vector, across: float, deep: float) -> list[Vector]:
    """Return points of a level ellipse, ``across`` along the axis and ``deep`` at right angles to it."""
    ahead = np.array([axis[2], 0.0, -axis[0]])
    return list(centre + _CIRCLE @ np.array([axis * across, ahead * deep]))


def _capsule(
    draw: ImageDraw.ImageDraw, ends: Sequence[tuple[float, float, float]], edge: float, colour: Colour
) -> None:
    (x0, y0, r0), (x1, y1, r1) = ((x, y, r + edge) for x, y, r in ends)
    angle = atan2(y1 - y0, x1 - x0)
    dx, dy = -sin(angle), cos(angle)
    draw.polygon(
        [
            (x0 + dx * r0, y0 + dy * r0),
            (x1 + dx * r1, y1 + dy * r1),
            (x1 - dx * r1, y1 - dy * r1),
            (x0 - dx * r0, y0 - dy * r0),
        ],
        fill=colour,
    )
    draw.ellipse((x0 - r0, y0 - r0, x0 + r0, y0 + r0), fill=colour)
    draw.ellipse((x1 - r1, y1 - r1, x1 + r1, y1 + r1), fill=colour)


def _convex(points: list[Point]) -> list[Point]:
    """Return the convex hull (Andrew's monotone chain)."""
    ordered = sorted(points)

    def chain(along: list[Point]) -> list[Point]:
        out: list[Point] = []
        for x, y in along:
            while len(out) > 1 and (out[-1][0] - out[-2][0]) * (y - out[-2][1]) <= (out[-1][1] - out[-2][1]) * (
                x - out[-2][0]
            ):
                out.pop()
            out.append((x, y))
        return out[:-1]

    return chain(ordered) + chain(ordered[::-1])


def _darker(colour: Colour) -> Colour:
    red, green, blue = colour
    return int(red * 0.62), int(green * 0.62), int(blue * 0.66)

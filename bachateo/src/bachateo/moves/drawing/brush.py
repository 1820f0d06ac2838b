"""Shapes of the three-dimensional world painted on a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

from bachateo.moves.drawing.camera import Camera, Vector

Colour = tuple[int, int, int]
Point = tuple[float, float]
Ring = NDArray[np.float64]  # points of the world, shape (n, 3)

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
        self._capsules: list[tuple[float, ...]] = []
        self._outlines: list[list[float]] = []

    def paint(self, draw: ImageDraw.ImageDraw) -> None:
        """Paint everything, the farthest first."""
        self._outlines = _capsule_outlines(np.array(self._capsules))
        for _, shape in sorted(self._shapes, key=lambda at: at[0]):
            shape(draw)

    def limb(
        self, a: Vector, radius_a: float, b: Vector, radius_b: float, colour: Colour, *, depth: float | None = None
    ) -> None:
        """Add a tapering limb from ``a`` to ``b`` with the radii in metres.

        Parameters
        ----------
        a, b
            The two ends, in metres.
        radius_a, radius_b
            Radius at each end, in metres.
        colour
            Red, green and blue.
        depth
            What has a smaller one is painted first, in metres; the middle of both ends where it is ``None``.
        """
        ends = (*self.camera.point(a), *self.camera.point(b))
        radii = radius_a * self.camera.scale(a), radius_b * self.camera.scale(b)
        edge = OUTLINE_M * self.camera.scale(a)
        at = float(a[2] + b[2]) / 2 if depth is None else depth
        self._capsule(at - BEHIND_M, (*ends, radii[0] + edge, radii[1] + edge), _darker(colour))
        self._capsule(at, (*ends, *radii), colour)

    def _capsule(self, depth: float, capsule: tuple[float, ...], colour: Colour) -> None:
        # The outlines are computed at once, when all capsules are known: one by one takes twice as long.
        number = len(self._capsules)
        self._capsules.append(capsule)
        self._shapes.append((depth, lambda draw: draw.polygon(self._outlines[number], fill=colour)))

    def ball(self, at: Vector, radius: float, colour: Colour, *, depth: float, flat: float = 1.0) -> None:
        """Add a ball; ``flat`` is its height relative to its width.

        Parameters
        ----------
        at
            Its centre, in metres.
        radius
            In metres.
        colour
            Red, green and blue.
        depth
            What has a smaller one is painted first, in metres.
        flat
            Height relative to the width.
        """
        x, y = self.camera.point(at)
        r = radius * self.camera.scale(at)
        self._shapes.append((depth, lambda draw: draw.ellipse((x - r, y - r * flat, x + r, y + r * flat), fill=colour)))

    def hull(self, rings: Sequence[Ring], colour: Colour, *, depth: float, outlined: bool = True) -> None:
        """Add the convex outline of some rings.

        Parameters
        ----------
        rings
            Points of its outline, in metres.
        colour
            Red, green and blue.
        depth
            What has a smaller one is painted first, in metres.
        outlined
            Whether it gets a dark outline.
        """
        points = np.concatenate(rings)
        outline = _convex(self.camera.points(points))
        edge = max(1, round(2 * OUTLINE_M * self.camera.scale(points[0])))

        self._shapes.append((depth, lambda draw: draw.polygon(outline, fill=colour)))
        if outlined:
            closed = [*outline, outline[0]]
            self._shapes.append((depth - BEHIND_M, lambda draw: draw.line(closed, fill=_darker(colour), width=edge)))

    def line(self, points: Sequence[Vector], colour: Colour, width_m: float, *, depth: float) -> None:
        """Add a line through some points.

        Parameters
        ----------
        points
            Where it passes, in metres.
        colour
            Red, green and blue.
        width_m
            In metres.
        depth
            What has a smaller one is painted first, in metres.
        """
        path = [self.camera.point(point) for point in points]
        width = max(1, round(width_m * self.camera.scale(points[0])))
        self._shapes.append((depth, lambda draw: draw.line(path, fill=colour, width=width, joint="curve")))


_ANGLES = np.linspace(0, 2 * pi, 16, endpoint=False)
_CIRCLE = np.stack((np.cos(_ANGLES), np.sin(_ANGLES)), axis=1)
_HALF_AROUND = np.linspace(pi / 2, 3 * pi / 2, 11)
_AROUND = np.linspace(0, 2 * pi, 48, endpoint=False)
_DIRECTIONS = np.stack((np.cos(_AROUND), np.sin(_AROUND)))


def ring(centre: Vector, axis: Vector, across: float, deep: float) -> Ring:
    """Return points of a level ellipse, ``across`` along the axis and ``deep`` at right angles to it.

    Parameters
    ----------
    centre
        In metres.
    axis
        Level direction of unit length.
    across
        Radius along the axis, in metres.
    deep
        Radius at right angles to it, in metres.
    """
    ahead = np.array([axis[2], 0.0, -axis[0]])
    points: Ring = centre + _CIRCLE @ np.array([axis * across, ahead * deep])
    return points


def _capsule_outlines(capsules: NDArray[np.float64]) -> list[list[float]]:
    """Return a polygon, x and y in turn, around each pair of discs; rows of ``x0, y0, x1, y1, r0, r1``."""
    x0, y0, x1, y1, r0, r1 = (column[:, None] for column in capsules.T)
    angles = np.arctan2(y1 - y0, x1 - x0) + _HALF_AROUND
    c, s = np.cos(angles), np.sin(angles)
    back, front = np.stack((x0 + r0 * c, y0 + r0 * s), axis=2), np.stack((x1 - r1 * c, y1 - r1 * s), axis=2)
    outlines: list[list[float]] = np.concatenate((back, front), axis=1).reshape(len(capsules), -1).tolist()
    return outlines


def _convex(points: NDArray[np.float64]) -> list[Point]:
    """Return the convex outline: the farthest point in each of many directions, quick and true to the pixel."""
    farthest = (points @ _DIRECTIONS).argmax(axis=0)
    corners = farthest[farthest != np.roll(farthest, 1)]
    outline: list[Point] = [(x, y) for x, y in points[corners].tolist()]
    return outline


def _darker(colour: Colour) -> Colour:
    red, green, blue = colour
    return int(red * 0.62), int(green * 0.62), int(blue * 0.66)

"""From the dance floor to the picture."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
UP_AXIS: Vector = np.array([0.0, 1.0, 0.0])

# The couple stands slantwise, so that steps to the side are seen as well as the distance between the dancers.
COUPLE_ANGLE = radians(32)
EYE_HEIGHT_M, EYE_DISTANCE_M, EYE_X_M = 1.35, 5.4, -0.12
FOCAL = 2.05  # in picture heights
HORIZON = 0.33  # from the top, in picture heights


def on_floor(u: float, v: float, y: float = 0.0) -> Vector:
    """Return couple coordinates as world coordinates: x to the right, y up, z towards the camera.

    Parameters
    ----------
    u, v
        From the lead to the follow, and to the lead's left, in metres.
    y
        Height above the floor, in metres.
    """
    return np.array([u * cos(COUPLE_ANGLE) + v * sin(COUPLE_ANGLE), y, u * sin(COUPLE_ANGLE) - v * cos(COUPLE_ANGLE)])


def facing(heading: float) -> Vector:
    """Return the unit vector of a heading in degrees, in world coordinates."""
    return on_floor(cos(radians(heading)), sin(radians(heading)))


@dataclass(frozen=True)
class Camera:
    """A pinhole camera for a picture of a given size, of which only a part may be painted.

    Attributes
    ----------
    width, height
        Of the whole picture, in pixels.
    origin
        Where the painted part begins.
    """

    width: int
    height: int
    origin: tuple[int, int] = (0, 0)

    def point(self, world: Vector) -> tuple[float, float]:
        """Return where a point of the world is in the painted part."""
        x, y, z = world.tolist()
        scale = FOCAL * self.height / (EYE_DISTANCE_M - z)
        return (
            self.width / 2 + (x - EYE_X_M) * scale - self.origin[0],
            HORIZON * self.height - (y - EYE_HEIGHT_M) * scale - self.origin[1],
        )

    def points(self, world: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where several points are, shape ``(n, 3)`` to ``(n, 2)``."""
        scale = FOCAL * self.height / (EYE_DISTANCE_M - world[:, 2:])
        centre = (self.width / 2 - self.origin[0], HORIZON * self.height - self.origin[1])
        placed: NDArray[np.float64] = centre + (world[:, :2] - (EYE_X_M, EYE_HEIGHT_M)) * (1, -1) * scale
        return placed

    def scale(self, world: Vector) -> float:
        """Return how many pixels a metre has at this point."""
        return FOCAL * self.height / (EYE_DISTANCE_M - float(world[2]))

"""Bars beside a picture: edges of one colour that never change."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

TOLERANCE = 10  # of 255: what compression does to a flat colour
# A bar may have a scratch: some exports leave a dark line along the first row.
UNIFORM_FRACTION = 0.97
# More than this of a picture is an empty picture and no bar.
LARGEST_FRACTION = 0.45
BLEND = 2  # pixels beside a bar in which its colour runs into the picture


@dataclass
class BarFinder:
    """Finds the bars of a film from some of its pictures.

    A line of pixels belongs to a bar when it has the colour of the outermost line in every picture seen.
    """

    _colours: list[NDArray[np.int16]] = field(default_factory=list)
    _widths: list[int] = field(default_factory=list)

    def see(self, picture: Pixels) -> None:
        """Look at one more picture, ``(height, width, 3)``, all of one size."""
        sides = _sides(picture)
        if not self._widths:
            self._colours = [np.median(side[0], axis=0).astype(np.int16) for side in sides]
            self._widths = [int(len(side) * LARGEST_FRACTION) for side in sides]
        self._widths = [
            _uniform_lines(side[:width], colour)
            for side, colour, width in zip(sides, self._colours, self._widths, strict=True)
        ]

    def picture(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return what lies between the bars: left, top, width and height in pixels, all even."""
        left, right = _without_bars(width, *self._widths[:2])
        top, bottom = _without_bars(height, *self._widths[2:])
        return left, top, (right - left) // 2 * 2, (bottom - top) // 2 * 2


def _sides(picture: Pixels) -> tuple[Pixels, Pixels, Pixels, Pixels]:
    """Return the lines seen from the left, the right, the top and the bottom."""
    columns = picture.swapaxes(0, 1)
    return columns, columns[::-1], picture, picture[::-1]


def _uniform_lines(lines: Pixels, colour: NDArray[np.int16]) -> int:
    low, high = (colour - TOLERANCE).clip(0, 255), (colour + TOLERANCE).clip(0, 255)
    lines = lines[:, ::2]  # every second pixel tells enough
    alike = ((lines >= low.astype(np.uint8)) & (lines <= high.astype(np.uint8))).all(axis=2)
    uniform = alike.mean(axis=1) >= UNIFORM_FRACTION
    return len(lines) if uniform.all() else int(uniform.argmin())


def _without_bars(length: int, before: int, after: int) -> tuple[int, int]:
    most = int(length * LARGEST_FRACTION)
    if max(before, after) >= most:
        return 0, length
    start, stop = (before + BLEND if before else 0), (length - after - BLEND if after else length)
    start += start % 2
    # In a tiny picture nothing may be left between what both bars blend into.
    return (start, stop) if stop - start >= 2 else (0, length)  # noqa: PLR2004

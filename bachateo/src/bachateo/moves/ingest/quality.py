"""How good a clip is, where the annotations do not say it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Contrast between neighbouring pixels, divided by that of the whole picture. Footage of 720 lines has 0.13 to 0.27;
# blurred by a Gaussian of 2 pixels, 0.07 to 0.12.
SHARP = 0.15


def sharpness(luma: NDArray[np.uint8]) -> float:
    """Return how sharp the middle of a picture is, 0 to 1.

    Parameters
    ----------
    luma
        Brightness, shape ``(height, width)``.
    """
    height, width = luma.shape
    middle = luma[height // 8 : -height // 8 or None, width // 4 : -width // 4 or None].astype(np.float32)
    if middle.size == 0 or (contrast := float(middle.std())) < 1:
        return 0.0
    across, down = np.diff(middle, axis=1), np.diff(middle, axis=0)
    edges = float(np.sqrt((across**2).mean() + (down**2).mean()))
    return min(1.0, edges / contrast / SHARP)


def quality_score(confidence: Sequence[float], sharp: float, lines: int, wanted_lines: int) -> float:
    """Return the quality of a clip, 0 to 1: the geometric mean of how clear its beats, its edges and its size are.

    Parameters
    ----------
    confidence
        How clearly each beat was heard, 0 to 1; without any, the beats count as clear.
    sharp
        From :func:`sharpness`.
    lines, wanted_lines
        Height of the picture without bars, and of the library, in pixels.

    Notes
    -----
    The search leaves out what scores below 0.5. A geometric mean keeps a clip that is fair in everything, and not one
    that fails in anything.
    """
    clear = float(np.mean(confidence)) if confidence else 1.0
    return round(float(np.prod([clear, sharp, min(1.0, lines / wanted_lines)]) ** (1 / 3)), 3)

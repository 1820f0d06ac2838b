from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from bachateo.moves.ingest.quality import quality_score, sharpness


def test_sharpness__blurred_picture__has_less_of_it() -> None:
    rng = np.random.default_rng(2)
    shapes = rng.integers(0, 150, (3, 5)).repeat(60, 0).repeat(60, 1)
    picture = Image.fromarray((shapes + rng.integers(0, 80, shapes.shape)).astype(np.uint8))
    blurred = picture.filter(ImageFilter.GaussianBlur(8))

    assert sharpness(np.array(picture)) == 1.0
    assert 0 < sharpness(np.array(blurred)) < 0.5


def test_sharpness__nothing_in_the_picture__has_none() -> None:
    assert sharpness(np.full((90, 160), 128, np.uint8)) == 0.0


def test_quality_score__is_the_geometric_mean_of_beats_edges_and_size() -> None:
    assert quality_score([1.0, 1.0], 1.0, 1080, 720) == 1.0
    assert quality_score([0.25, 0.75], 0.5, 360, 720) == pytest.approx(0.5)
    assert quality_score([], 0.125, 720, 720) == pytest.approx(0.5)
    assert quality_score([0.0], 1.0, 720, 720) == 0.0

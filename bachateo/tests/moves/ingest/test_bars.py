from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bachateo.moves.ingest.bars import BarFinder

WIDTH, HEIGHT = 200, 120


def _pictures(left: int = 0, right: int = 0, top: int = 0, bottom: int = 0, colour: Sequence[int] = (255, 255, 255)):
    rng = np.random.default_rng(1)
    for _ in range(4):
        picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        picture[:] = colour
        content = rng.integers(0, 256, (HEIGHT - top - bottom, WIDTH - left - right, 3))
        picture[top : HEIGHT - bottom, left : WIDTH - right] = content
        # What compression leaves of a flat colour.
        yield (picture.astype(int) + rng.integers(-4, 5, picture.shape)).clip(0, 255).astype(np.uint8)


def _found(pictures) -> tuple[int, int, int, int]:
    finder = BarFinder()
    for picture in pictures:
        finder.see(picture)
    return finder.picture(WIDTH, HEIGHT)


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (40, 90, 160)])
def test_bar_finder__side_bars__are_cut_with_their_blurred_edge(colour: tuple[int, int, int]) -> None:
    assert _found(_pictures(left=30, right=24, colour=colour)) == (32, 0, 200 - 32 - 26, 120)


def test_bar_finder__bars_above_and_below__are_cut() -> None:
    assert _found(_pictures(top=16, bottom=16)) == (0, 18, 200, 84)


def test_bar_finder__bar_with_a_scratch__is_one() -> None:
    def scratched() -> list[NDArray[np.uint8]]:
        pictures = list(_pictures(left=30, right=30))
        for picture in pictures:
            picture[0, :30] = 0
        return pictures

    assert _found(scratched()) == (32, 0, 136, 120)


def test_bar_finder__no_bars__leaves_the_picture_whole() -> None:
    assert _found(_pictures()) == (0, 0, 200, 120)


def test_bar_finder__wall_with_a_shadow__is_no_bar() -> None:
    pictures = list(_pictures(left=60))
    for picture in pictures:
        picture[:, :60] = np.linspace(120, 200, HEIGHT, dtype=np.uint8)[:, None, None]

    assert _found(pictures) == (0, 0, 200, 120)


def test_bar_finder__edge_that_is_flat_once_alone__is_no_bar() -> None:
    dark = np.zeros((HEIGHT, WIDTH, 3), np.uint8)

    assert _found([dark, *_pictures()]) == (0, 0, 200, 120)


def test_bar_finder__nothing_in_the_picture__leaves_it_whole() -> None:
    dark = np.zeros((HEIGHT, WIDTH, 3), np.uint8)

    assert _found([dark, dark]) == (0, 0, 200, 120)

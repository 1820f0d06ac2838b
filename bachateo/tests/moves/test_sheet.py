from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bachateo.errors import LibraryError
from bachateo.moves import Library
from bachateo.moves.sheet import EDGE, GAP, GROUND, LABELS, ROW, TILE, TITLE, WIDTH, draw_sheet


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as sheet:
        return sheet.copy()


def _tile(sheet: Image.Image, row: int, column: int) -> np.ndarray:
    left, top = EDGE + LABELS + column * (TILE[0] + GAP), TITLE + row * ROW
    return np.asarray(sheet.crop((left, top, left + TILE[0], top + TILE[1]))).astype(int)


def test_draw_sheet__starter_library__has_a_row_of_eight_pictures_for_each_move(drawn: Library, tmp_path: Path) -> None:
    rows = draw_sheet(drawn, tmp_path / "sheet.png")

    sheet = _opened(tmp_path / "sheet.png")
    assert rows == len(drawn.moves) == 7
    assert sheet.size == (WIDTH, TITLE + 7 * ROW + EDGE)
    for row in range(rows):
        red = [
            (tile[..., 0] - tile[..., 1:].max(axis=2) > 90).sum() for tile in (_tile(sheet, row, c) for c in range(8))
        ]
        assert sum(pixels > 100 for pixels in red) >= 6, "her dress, unless he is in front of it"
        assert len({_tile(sheet, row, column).tobytes() for column in range(8)}) == 8
        label = np.asarray(sheet.crop((0, TITLE + row * ROW, EDGE + LABELS, TITLE + (row + 1) * ROW)))
        assert (label != GROUND).any()


def test_draw_sheet__clips__are_shown_on_the_counts(flashes: Library, tmp_path: Path) -> None:
    draw_sheet(flashes, tmp_path / "sheet.png")

    sheet = _opened(tmp_path / "sheet.png")
    on_the_beat = [_tile(sheet, row, column)[40:].mean() for row in range(3) for column in range(8)]
    assert min(on_the_beat) > 240


def test_draw_sheet__clips_of_the_same_move__share_a_row(flashes: Library, tmp_path: Path) -> None:
    same = tuple(dataclasses.replace(move, move_label="flash") for move in flashes.moves)

    assert draw_sheet(Library(flashes.folder, same), tmp_path / "sheet.jpg") == 1
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert (sheet.format, sheet.height) == ("JPEG", TITLE + ROW + EDGE)


def test_draw_sheet__unknown_format__names_the_known(flashes: Library, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"^CH035  sheet\.gif is no name for a sheet; end it on one of \.png, \.jpg"):
        draw_sheet(flashes, tmp_path / "sheet.gif")


def test_draw_sheet__clip_that_is_none__says_which(flashes: Library, tmp_path: Path) -> None:
    flashes.clip(flashes.moves[1]).write_text("no video")

    with pytest.raises(LibraryError, match=r"^CH036  the clip .*two_120\.mp4 cannot be decoded .* Restore it"):
        draw_sheet(flashes, tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()


def test_draw_sheet__clip_shorter_than_its_counts__says_where_it_ends(flashes: Library, tmp_path: Path) -> None:
    long = dataclasses.replace(flashes.moves[0], beats=16, beats_s=tuple(beat * 0.5 for beat in range(17)))

    # The pictures of its ending are there for two beats more.
    with pytest.raises(LibraryError, match=r"^CH036  the clip .*one_120\.mp4 ends before its count 11\."):
        draw_sheet(Library(flashes.folder, (long,)), tmp_path / "sheet.png")

"""A contact sheet: every move of a library at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
from PIL import Image, ImageDraw, ImageFont, ImageOps

from bachateo.errors import LibraryError
from bachateo.files import written_aside
from bachateo.moves.library import COUNTS, Library, Move

Colour = tuple[int, int, int]

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
TILE = (100, 106)  # the middle of a picture, where the dancers are
GAP, EDGE, TITLE, LABELS = 3, 20, 56, 172
ROW = TILE[1] + 8
QUALITY = 64  # of a JPEG
WIDTH = 2 * EDGE + LABELS + COUNTS * (TILE[0] + GAP) - GAP

GROUND: Colour = (24, 17, 42)
TEXT: Colour = (250, 240, 226)
FAINT: Colour = (168, 152, 182)
DIFFICULTY_COLOURS: dict[str, Colour] = {
    "beginner": (126, 200, 150),
    "intermediate": (246, 190, 96),
    "advanced": (240, 110, 116),
}
ENERGY_COLOURS: dict[str, Colour] = {"low": (112, 150, 226), "medium": (190, 128, 220), "high": (246, 104, 160)}


def draw_sheet(library: Library, path: Path) -> int:
    """Draw a contact sheet and return how many rows it has.

    One row for each move: its label, difficulty and energy, and its pictures on the counts 1 to 8; of a longer move
    as many, evenly spread over its counts. Of clips that show the same move, the first is drawn.

    Parameters
    ----------
    library
        Any library.
    path
        The picture to write, ``.png`` or ``.jpg``.

    Raises
    ------
    LibraryError
        The name of the picture ends on something else, or a clip cannot be decoded.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise LibraryError("CH035", f"{path.name} is no name for a sheet; end it on one of {', '.join(FORMATS)}.")
    moves = list({move.move_label: move for move in reversed(library.moves)}.values())[::-1]
    sheet = Image.new("RGB", (WIDTH, TITLE + len(moves) * ROW + EDGE), GROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((EDGE, TITLE / 2), f"{len(moves)} moves", TEXT, _font(28), anchor="lm")
    draw.text((WIDTH - EDGE, TITLE / 2), "on the counts 1 to 8", FAINT, _font(17), anchor="rm")
    for row, move in enumerate(moves):
        top = TITLE + row * ROW
        _label(draw, move, top)
        _tiles(sheet, move, library.clip(move), top)
    with written_aside(path) as aside:
        sheet.save(aside, format=kind, quality=QUALITY, optimize=True, progressive=True)
    return len(moves)


def _label(draw: ImageDraw.ImageDraw, move: Move, top: int) -> None:
    middle = top + TILE[1] // 2
    draw.text((EDGE, middle - 30), move.move_label.replace("_", " "), TEXT, _font(19), anchor="lm")
    for line, (word, colour) in enumerate(
        (
            (move.difficulty, DIFFICULTY_COLOURS[move.difficulty]),
            (f"{move.energy_level} energy", ENERGY_COLOURS[move.energy_level]),
        )
    ):
        y = middle + 2 + 24 * line
        draw.ellipse((EDGE, y - 5, EDGE + 10, y + 5), fill=colour)
        draw.text((EDGE + 18, y), word, FAINT, _font(15), anchor="lm")


def _tiles(sheet: Image.Image, move: Move, clip: Path, top: int) -> None:
    counts = range(0, move.beats, move.beats // COUNTS)[:COUNTS]
    for column, (count, picture) in enumerate(zip(counts, _pictures(clip, move, counts), strict=True)):
        tile = ImageOps.fit(picture, TILE)
        draw = ImageDraw.Draw(tile)
        draw.text((7, 5), str(count + 1), TEXT, _font(16), stroke_width=2, stroke_fill=GROUND)
        sheet.paste(tile, (EDGE + LABELS + column * (TILE[0] + GAP), top))


def _pictures(clip: Path, move: Move, counts: Sequence[int]) -> Iterator[Image.Image]:
    """Yield the picture that is shown on each count."""
    wanted = [move.beats_s[count] for count in counts]
    # Times are stored in ticks, so a picture meant for a count may come a moment before it.
    early_s = 0.25 * move.beats_s[-1] / move.frame_count
    try:
        with av.open(str(clip)) as video:
            for frame in video.decode(video=0):
                if wanted and frame.time is not None and frame.time >= wanted[0] - early_s:
                    yield Image.fromarray(frame.to_ndarray(format="rgb24"))
                    wanted.pop(0)
                if not wanted:
                    return
    except (av.FFmpegError, IndexError) as error:
        raise _unreadable(clip, f"cannot be decoded ({error})") from error
    raise _unreadable(clip, f"ends before its count {counts[-len(wanted)] + 1}")


def _unreadable(clip: Path, what: str) -> LibraryError:
    return LibraryError("CH036", f"the clip {clip} {what}. Restore it, or remove the move from the library.")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)

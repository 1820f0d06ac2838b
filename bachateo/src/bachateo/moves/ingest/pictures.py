"""The pictures of a stranger's film: upright, at a constant rate, in the size of the library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bachateo.errors import ClipError
from bachateo.media.codecs import PICTURE_CODECS, is_read
from bachateo.media.opening import FILM_FORMATS, OversizedError, UnreadableError, clock_start_s, open_media
from bachateo.moves.filters import Chain, Filter
from bachateo.moves.ingest.colours import declare, needs_table, toning

# On a side, in pixels: 8K is the largest that cameras write; in less than 16 no dance can be seen.
SMALLEST, LARGEST = 16, 8192
# Sides: the widest film format is 2.76 to 1, and two of them beside each other are no film of a couple.
LONGEST_SHAPE = 5
# A picture is enlarged until it fills the frame when no more than this of it is lost; otherwise it is shown whole.
COVER_LOSS = 0.1
BT709 = ":out_color_matrix=bt709:out_range=tv"
# Degrees against the clock.
ROTATIONS = {90: (("transpose", "cclock"),), 180: (("hflip", ""), ("vflip", "")), 270: (("transpose", "clock"),)}

Timed = tuple[float, VideoFrame]
Box = tuple[int, int, int, int]  # left, top, width, height


@contextmanager
def opened_pictures(path: Path) -> Iterator[Iterator[Timed]]:
    """Yield the pictures of a film, upright, with their times in seconds, in the order in which they are shown.

    The times are those that a player shows.

    Raises
    ------
    ClipError
        CH090: it cannot be opened, has no pictures, or one of them cannot be decoded. CH094: they are too small, too
        large or too narrow. CH095: it holds too much else. CH096: its colours are not read.
    """
    try:
        with open_media(path, FILM_FORMATS) as container:
            if not container.streams.video:
                raise ClipError("CH090", f"{path.name} has no pictures. Give a film.")
            stream = container.streams.video[0]
            _require_known(stream)
            _refuse_shape(path, stream.width, stream.height)
            # Other clips are at work on the other cores.
            stream.thread_count = 1
            # Without this a damaged picture is silently mended with parts of other pictures.
            stream.codec_context.options = {"err_detect": "explode"}
            yield _decoded(container, stream, path)
    except OversizedError as error:
        raise ClipError("CH095", f"{path.name} is no ordinary film: it holds {error}. Export it again.") from error
    except UnreadableError as error:
        raise ClipError("CH090", f"{path.name} is no film that can be decoded ({error}). Export it again.") from error


def _require_known(stream: VideoStream) -> None:
    if not is_read(stream, PICTURE_CODECS):
        encoding = stream.codec_context.codec.long_name if stream.codec_context else "of an unknown encoding"
        raise UnreadableError(f"its pictures are {encoding}, which is not read")


def _decoded(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[Timed]:
    shown_s: float | None = None
    turning: Chain | None = None
    kind, starts_s, tag = None, clock_start_s(container), _tag(stream)
    try:
        for frame in container.decode(stream):
            kind = kind or (frame.width, frame.height, frame.format.name)
            backwards = frame.time is None or (shown_s is not None and frame.time < shown_s)
            if frame.is_corrupt or backwards or (frame.width, frame.height, frame.format.name) != kind:
                raise _damaged(path, shown_s)
            declare(frame, path.name, tag)
            shown_s = frame.time
            turning = turning or Chain(list(_uprighting(frame.rotation, stream.sample_aspect_ratio)))
            yield shown_s - starts_s, turning.passed(frame)
    except av.FFmpegError as error:
        raise _damaged(path, shown_s) from error


def _tag(stream: VideoStream) -> str:
    """Return how the container names the encoding, in four letters; nothing where these are no letters."""
    try:
        return stream.codec_context.codec_tag
    except UnicodeDecodeError:
        return ""


def _refuse_shape(path: Path, width: int, height: int) -> None:
    if min(width, height) >= SMALLEST and max(width, height) <= min(LARGEST, LONGEST_SHAPE * min(width, height)):
        return
    raise ClipError(
        "CH094",
        f"{path.name} has pictures of {width}x{height} pixels; a film has {SMALLEST} to {LARGEST} on each side, and no "
        f"side is more than {LONGEST_SHAPE} times the other. Export it again, or leave it out.",
    )


def _damaged(path: Path, shown_s: float | None) -> ClipError:
    where = "its first picture" if shown_s is None else f"the picture after {shown_s:.2f} s"
    return ClipError("CH090", f"{where} of {path.name} cannot be decoded. Export it again.")


def from_time(pictures: Iterator[Timed], start_s: float) -> tuple[float, Iterator[Timed]]:
    """Return the time of the picture nearest to ``start_s``, and the pictures from it on."""
    before = next(pictures)
    for after in pictures:
        if after[0] >= start_s:
            kept = [before, after] if start_s - before[0] <= after[0] - start_s else [after]
            return kept[0][0], chain(kept, pictures)
        before = after
    return before[0], iter([before])


def at_rate(pictures: Iterable[Timed], start_s: float, rate: Fraction, count: int) -> Iterator[VideoFrame]:
    """Yield ``count`` pictures, each the one nearest to its time at a constant rate.

    Parameters
    ----------
    pictures
        Decoded pictures with their times, ascending.
    start_s
        Time of the first one to yield, in seconds.
    rate
        Pictures a second.
    count
        How many to yield.
    """
    wanted = [start_s + float(number / rate) for number in range(count)][::-1]
    before: Timed | None = None
    for after in pictures:
        while before and wanted and wanted[-1] < (before[0] + after[0]) / 2:
            wanted.pop()
            yield before[1]
        if not wanted:
            return
        before = after
    # The last one stays until the end.
    if before:
        yield from (before[1] for _ in wanted)


class Fitting:
    """Cuts the bars off a picture and brings the rest to the size of the library, in the colours of BT.709.

    Parameters
    ----------
    box
        What to show of the pictures: left, top, width, height in pixels.
    size
        Width and height of the library.
    brightest_cd
        The brightest light of the whole film, in cd/m².
    """

    def __init__(self, box: Box, size: tuple[int, int], brightest_cd: float) -> None:
        self._box, self._size, self._brightest_cd = box, size, brightest_cd
        self._chain: Chain | None = None

    def fit(self, frame: VideoFrame) -> VideoFrame:
        """Return the picture in its new size; all are of one film."""
        self._chain = self._chain or self._chain_for(frame)
        return self._chain.passed(frame)

    def _chain_for(self, frame: VideoFrame) -> Chain:
        if not needs_table(frame):
            return Chain([*_placing(self._box, self._size, BT709), ("format", "yuv420p")])
        steps, table = toning(frame, self._brightest_cd)
        # Small first: the table is what takes time.
        placing = _placing(self._box, self._size, "")
        return Chain([*placing, *steps, ("scale", BT709[1:]), ("format", "yuv420p")], table)


def _placing(box: Box, size: tuple[int, int], colours: str) -> Iterator[Filter]:
    left, top, across, down = box
    width, height = size
    yield "crop", f"{across}:{down}:{left}:{top}:exact=1"
    shape = across / down * height / width
    if 1 - COVER_LOSS <= shape <= 1 / (1 - COVER_LOSS):
        yield "scale", f"{width}:{height}:force_original_aspect_ratio=increase{colours}"
        yield "crop", f"{width}:{height}"
    else:
        yield "scale", f"{width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2{colours}"
        yield "pad", f"{width}:{height}:-1:-1"


def _uprighting(rotation: int, pixel_shape: Fraction | None) -> Iterator[Filter]:
    """How a stored picture is shown: pixels may be oblong, and the picture may be rotated."""
    if pixel_shape not in {None, 0, 1}:
        yield "scale", f"trunc(iw*{pixel_shape}/2)*2:ih"
    yield from ROTATIONS.get(rotation % 360, ())

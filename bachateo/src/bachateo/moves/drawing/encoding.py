"""Drawn pictures become clips that can be cut by copying packets."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from bachateo.files import written_aside
from bachateo.moves.encoding import BEATS_PER_GROUP, add_pictures, stamp, with_ending

FRAMES_PER_BEAT = 13  # 26 pictures a second at 120 bpm

Part = tuple[Image.Image, tuple[int, int]]  # and where it belongs, even numbers of pixels from the left and the top
Planes = list[NDArray[np.uint8]]


class Canvas:
    """A backdrop in the encoder's colours, of which only the part that changes is converted for each picture."""

    def __init__(self, backdrop: Image.Image) -> None:
        self._colours = VideoReformatter()
        self._backdrop = self._converted(backdrop)
        self._width, self._height = backdrop.size

    def frame(self, part: Image.Image, corner: tuple[int, int]) -> av.VideoFrame:
        """Return the backdrop with a part of it replaced."""
        whole = self._backdrop.copy()
        left, top = corner
        pasted = zip(
            _planes(whole, self._width, self._height),
            _planes(self._converted(part), *part.size),
            (1, 2, 2),
            strict=True,
        )
        for plane, new, coarser in pasted:
            y, x = top // coarser, left // coarser
            plane[y : y + new.shape[0], x : x + new.shape[1]] = new
        return av.VideoFrame.from_ndarray(whole.reshape(-1, self._width), format="yuv420p")

    def _converted(self, picture: Image.Image) -> NDArray[np.uint8]:
        frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
        converted = self._colours.reformat(
            frame, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1
        ).to_ndarray()
        return converted.ravel().astype(np.uint8, copy=False)


def _planes(pixels: NDArray[np.uint8], width: int, height: int) -> Planes:
    """Return views of brightness and both colours, the latter of half the size."""
    luma, chroma = width * height, width * height // 4
    half = (height // 2, width // 2)
    return [
        pixels[:luma].reshape(height, width),
        pixels[luma : luma + chroma].reshape(half),
        pixels[luma + chroma :].reshape(half),
    ]


def encode_clip(pictures: Iterable[Image.Image], path: Path, *, size: tuple[int, int], tempo_bpm: float) -> int:
    """Encode pictures, ``FRAMES_PER_BEAT`` to the beat, and return how many there are in the clip.

    Parameters
    ----------
    pictures
        All of one size.
    path
        The mp4 to write.
    size
        Width and height in pixels.
    tempo_bpm
        Beats per minute at which the clip is danced.
    """
    parts = ((picture, (0, 0)) for picture in pictures)
    return encode_parts(parts, path, backdrop=Image.new("RGB", size), tempo_bpm=tempo_bpm)


def encode_parts(parts: Iterable[Part], path: Path, *, backdrop: Image.Image, tempo_bpm: float) -> int:
    """Encode pictures that differ from the backdrop in one part each, and return how many there are in the clip.

    A keyframe opens every group of four beats, and the last picture fades; see :mod:`bachateo.moves.encoding`.

    Parameters
    ----------
    parts
        Pictures and where each lies on the backdrop, in pixels.
    path
        The mp4 to write.
    backdrop
        What is seen where a part does not lie.
    tempo_bpm
        Beats per minute at which the clip is danced.
    """
    canvas = Canvas(backdrop)
    rate = frame_rate(tempo_bpm)
    count = 0
    with written_aside(path) as aside, av.open(str(aside), "w", format="mp4") as out:
        stream = add_pictures(out, backdrop.size, group=FRAMES_PER_BEAT * BEATS_PER_GROUP)
        for frame in chain(with_ending(canvas.frame(*part) for part in parts), [None]):
            if frame is not None:
                frame.pts = None  # the encoder counts
            for packet in stream.encode(frame):
                stamp(packet, count, rate)
                out.mux(packet)
                count += 1
    return count


def retime_clip(source: Path, path: Path, *, tempo_bpm: float) -> None:
    """Copy a clip so that it is danced at another tempo: the same pictures, shown faster or slower.

    Parameters
    ----------
    source
        The clip to copy.
    path
        The mp4 to write.
    tempo_bpm
        Beats per minute of the copy.
    """
    with written_aside(path) as aside, av.open(str(source)) as clip, av.open(str(aside), "w", format="mp4") as out:
        stream = out.add_stream_from_template(clip.streams.video[0])
        for number, packet in enumerate(packet for packet in clip.demux(video=0) if packet.size):
            packet.stream = stream
            stamp(packet, number, frame_rate(tempo_bpm))
            out.mux(packet)


def frame_rate(tempo_bpm: float) -> Fraction:
    """Return the frames per second at which ``FRAMES_PER_BEAT`` pictures last one beat."""
    return Fraction(tempo_bpm).limit_denominator(100) * FRAMES_PER_BEAT / 60

"""How the pictures of every library are encoded, drawn or filmed, so that clips can be cut by copying packets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from bachateo.moves.filters import Chain

BEATS_PER_GROUP = 4  # a clip can be entered on every fourth beat
# The encoder writes its rate into the parameters, which must be equal for all clips: it is told a fixed one, and the
# packets are stamped with the true one.
TOLD_RATE = 30
# Pictures after the last beat of a clip that fade to black. They are shown only where a song goes on after its last
# move, spread over what is left: 24 of them over eight beats change five times a second.
ENDING = 24


def add_pictures(out: OutputContainer, size: tuple[int, int], *, group: int | None = None) -> VideoStream:
    """Add a stream of H.264 whose packets may follow those of any other clip of this size.

    No B-frames, closed groups, and parameters that do not depend on the content (``stitchable``).

    Parameters
    ----------
    out
        The file to write.
    size
        Width and height in pixels, both even.
    group
        Pictures from one keyframe to the next. Without it, a keyframe is made only of pictures whose ``pict_type``
        is ``I``.
    """
    keyframes = f"keyint={group}:min-keyint={group}" if group else "keyint=infinite"
    options = {
        "preset": "superfast",
        "crf": "21",
        "forced-idr": "1",
        # What the preset leaves out and costs little here: macroblock tree, all block sizes, adaptive quantisation.
        "x264-params": f"bframes=0:{keyframes}:scenecut=0:open-gop=0:stitchable=1"
        ":weightp=0:mbtree=1:partitions=p8x8,i8x8,i4x4:8x8dct=1:rc-lookahead=5:threads=1",
    }
    stream = out.add_stream("libx264", rate=TOLD_RATE, options=options)
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    tag_colours(stream)
    return stream


def tag_colours(stream: VideoStream) -> None:
    """Say in the file what its colours are, BT.709 in the limited range: a player that has to guess may guess wrong."""
    codec = stream.codec_context
    codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    codec.colorspace, codec.color_range = Colorspace.ITU709, ColorRange.MPEG


def with_ending(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """Yield pictures, and then the last one ``ENDING`` times, darker and darker until it is black.

    Parameters
    ----------
    frames
        At least one, in the colours of the encoder, ``yuv420p``.
    """
    last = None
    for last in frames:
        yield last
    if last is None:
        return
    fade = Chain([("fade", f"out:0:{ENDING - 1}")])
    for number in range(ENDING):
        last.pts, last.time_base = number, Fraction(1, TOLD_RATE)
        yield fade.passed(last)


def stamp(packet: av.Packet[Any], number: int, rate: Fraction) -> None:
    """Give the packet of the picture ``number`` its time, at ``rate`` pictures a second.

    Parameters
    ----------
    packet
        The encoded picture.
    number
        0 for the first of the clip.
    rate
        Pictures a second.
    """
    packet.time_base = 1 / rate
    packet.pts = packet.dts = number
    packet.duration = 1

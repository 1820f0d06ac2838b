"""The clips of a library as packets that can be copied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer

from bachateo.errors import VideoError

# The packets are copied, so no decoder is needed to look into them; that takes a tenth of the time.
UNDECODED = {"protocol_whitelist": "file", "codec_whitelist": "none"}
AGAIN = "Normalise the clip again, or remove it from the library."


@dataclass(frozen=True)
class Clip:
    """The encoded pictures of a clip.

    Attributes
    ----------
    path
        Where it was read from.
    parameters
        Codec, size and extradata: clips with equal parameters can follow each other in one stream.
    times_s
        When each picture is shown, in seconds from the first.
    pictures
        The encoded pictures and whether each is a keyframe.
    """

    path: Path
    parameters: tuple[str, int, int, bytes]
    times_s: tuple[float, ...]
    pictures: tuple[tuple[bytes, bool], ...]


def open_clip(path: Path) -> InputContainer:
    """Open a clip of which nothing is decoded.

    Raises
    ------
    VideoError
        It cannot be read, or has no pictures.
    """
    try:
        container = av.open(f"file:{path}", container_options=UNDECODED, metadata_errors="ignore")
    except av.FFmpegError as error:
        raise _unreadable(path, error.strerror) from error
    if not container.streams.video:
        container.close()
        raise _unreadable(path, "it has no pictures")
    return container


def read_clip(path: Path) -> Clip:
    """Read the packets of a clip.

    Raises
    ------
    VideoError
        It cannot be read, or its pictures cannot be copied as they are: they do not begin with a keyframe, or
        they are not stored in the order in which they are shown.
    """
    with open_clip(path) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        parameters = (codec.name, codec.width, codec.height, codec.extradata or b"")
        try:
            packets = [packet for packet in container.demux(stream) if packet.size]
        except av.FFmpegError as error:
            raise _unreadable(path, error.strerror) from error
        stamps = [(packet.pts, packet.dts) for packet in packets]
        pictures = tuple((bytes(packet), packet.is_keyframe) for packet in packets)
        tick_s = float(stream.time_base or 0)
    if not pictures or not pictures[0][1]:
        raise VideoError("CH061", f"the clip {path} does not begin with a keyframe. {AGAIN}")
    first = stamps[0][0] or 0
    shown = [first if pts is None else pts for pts, _ in stamps]
    if shown != sorted(set(shown)):
        raise VideoError("CH062", f"the clip {path} has B-frames; packets cannot be copied out of order. {AGAIN}")
    return Clip(path, parameters, tuple((pts - first) * tick_s for pts in shown), pictures)


def require_equal(clip: Clip, first: Clip) -> None:
    """Refuse a clip that cannot follow another one in the same stream.

    Raises
    ------
    VideoError
        Codec, size or extradata differ.
    """
    if clip.parameters == first.parameters:
        return
    raise VideoError(
        "CH063",
        f"the clip {clip.path} was encoded with other parameters ({_describe(clip)}) than {first.path} "
        f"({_describe(first)}); a player would show garbage after the cut. {AGAIN}",
    )


def _unreadable(path: Path, why: object) -> VideoError:
    return VideoError("CH060", f"the clip {path} cannot be read ({why}). {AGAIN}")


def _describe(clip: Clip) -> str:
    codec, width, height, extradata = clip.parameters
    return f"{codec} {width}x{height}, {len(extradata)} bytes of extradata"

"""The same video at a constant rate, for programs that edit films: they do not take pictures at times of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.frame import PictureType, VideoFrame

from bachateo.moves.encoding import tag_colours

# Nearly lossless: what an editing program exports is encoded once more.
OPTIONS = {"preset": "veryfast", "crf": "17"}


def encode_constant(video: Path, out: Path, rate_hz: int) -> None:
    """Encode the pictures of a finished video anew, so many a second; its sound is copied.

    Parameters
    ----------
    video
        As :func:`bachateo.video.assemble` wrote it.
    out
        The mp4 to write.
    rate_hz
        Pictures a second.
    """
    with (
        av.open(f"file:{video}") as source,
        av.open(str(out), "w", format="mp4", options={"movflags": "faststart"}) as to,
    ):
        shown = source.streams.video[0]
        pictures = to.add_stream("libx264", rate=rate_hz, options=OPTIONS)
        pictures.width, pictures.height, pictures.pix_fmt = shown.width, shown.height, "yuv420p"
        # An editing program jumps to any picture.
        pictures.codec_context.gop_size = rate_hz
        tag_colours(pictures)
        sound = to.add_stream_from_template(source.streams.audio[0])
        count = round(Fraction(source.duration or 0, av.time_base) * rate_hz)
        for number, frame in enumerate(_held(_decoded(source, to, sound), rate_hz, count)):
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, rate_hz), PictureType.NONE
            to.mux(pictures.encode(frame))
        to.mux(pictures.encode(None))


def _decoded(source: InputContainer, to: OutputContainer, sound: AudioStream) -> Iterator[VideoFrame]:
    """Yield the pictures; the sound that comes between them in the file is copied."""
    heard = source.streams.audio[0]
    for packet in source.demux(source.streams.video[0], heard):
        if packet.stream is not heard:
            yield from cast("list[VideoFrame]", packet.decode())
        elif packet.size:
            packet.stream = sound
            to.mux(packet)


def _held(frames: Iterable[VideoFrame], rate_hz: int, count: int) -> Iterator[VideoFrame]:
    """Yield ``count`` pictures; each is shown from the moment nearest to its time until the next one is."""
    shown, number = None, 0
    for frame in frames:
        starts = min(round((frame.time or 0.0) * rate_hz), count)
        while shown is not None and number < starts:
            yield shown
            number += 1
        shown = frame
    while shown is not None and number < count:
        yield shown
        number += 1

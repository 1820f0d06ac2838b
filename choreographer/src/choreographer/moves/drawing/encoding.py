"""Drawn pictures become clips that can be cut by copying packets."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image

from choreographer.files import written_aside

FRAMES_PER_BEAT = 15  # 30 frames a second at 120 bpm
BEATS_PER_GROUP = 4  # a clip can be entered on every fourth beat


def encode_clip(pictures: Iterable[Image.Image], path: Path, *, size: tuple[int, int], tempo_bpm: float) -> int:
    """Encode pictures, ``FRAMES_PER_BEAT`` to the beat, and return how many there were.

    H.264 without B-frames in closed groups of four beats, with parameters that do not depend on the content
    (``stitchable``), so that packets of one clip may follow those of another.
    """
    group = FRAMES_PER_BEAT * BEATS_PER_GROUP
    options = {
        "preset": "veryfast",
        "crf": "21",
        "x264-params": f"bframes=0:keyint={group}:min-keyint={group}:scenecut=0:open-gop=0:stitchable=1"
        ":weightp=0:subme=1:rc-lookahead=5:threads=1",
    }
    colours = VideoReformatter()
    count = 0
    with written_aside(path) as aside, av.open(str(aside), "w", format="mp4") as out:
        # The encoder writes its rate into the parameters, which must be equal for all tempi: it is told a fixed one,
        # and the packets are stamped with the true one.
        stream = out.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for picture in chain(pictures, [None]):
            for packet in stream.encode(_frame(picture, colours)):
                _stamp(packet, count, tempo_bpm)
                out.mux(packet)
                count += 1
    return count


def retime_clip(source: Path, path: Path, *, tempo_bpm: float) -> None:
    """Copy a clip so that it is danced at another tempo: the same pictures, shown faster or slower."""
    with written_aside(path) as aside, av.open(str(source)) as clip, av.open(str(aside), "w", format="mp4") as out:
        stream = out.add_stream_from_template(clip.streams.video[0])
        for number, packet in enumerate(packet for packet in clip.demux(video=0) if packet.size):
            packet.stream = stream
            _stamp(packet, number, tempo_bpm)
            out.mux(packet)


def _frame(picture: Image.Image | None, colours: VideoReformatter) -> av.VideoFrame | None:
    if picture is None:
        return None
    frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
    return colours.reformat(frame, format="yuv420p", threads=1)


def _stamp(packet: av.Packet[Any], number: int, tempo_bpm: float) -> None:
    packet.time_base = 1 / frame_rate(tempo_bpm)
    packet.pts = packet.dts = number
    packet.duration = 1


def frame_rate(tempo_bpm: float) -> Fraction:
    """Return the frames per second at which ``FRAMES_PER_BEAT`` pictures last one beat."""
    return Fraction(tempo_bpm).limit_denominator(100) * FRAMES_PER_BEAT / 60

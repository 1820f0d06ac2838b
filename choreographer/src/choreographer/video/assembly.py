"""A plan and a sound track become an mp4: packets are copied, only their times are new."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import merge
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, TypeAlias

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from choreographer.files import written_aside
from choreographer.sequence import Plan
from choreographer.video.clips import Clip, read_clip, require_equal
from choreographer.video.warp import TIMESCALE_HZ, warp_times

TICK = Fraction(1, TIMESCALE_HZ)
# Fragments would lose the edit list that hides the encoder's priming: the sound would be 23 ms late.
OPTIONS = {"movflags": "+faststart", "video_track_timescale": str(TIMESCALE_HZ)}

Packet: TypeAlias = "av.Packet[Any]"
Picture = tuple[int, bytes, bool]  # time in ticks, data, whether it is a keyframe


def assemble(plan: Plan, sound: Path, out: Path) -> None:
    """Write the video of a plan.

    Parameters
    ----------
    plan
        The moves and the beats of the song.
    sound
        The encoded sound track, from :func:`choreographer.video.encode_sound`.
    out
        The mp4 to write, whole or not at all.

    Raises
    ------
    VideoError
        A clip cannot be read, or not follow the others in one stream.
    """
    clips = _read_clips(plan)
    with written_aside(out) as aside:
        _write(plan, clips, sound, aside)


def _read_clips(plan: Plan) -> dict[Path, Clip]:
    clips: dict[Path, Clip] = {}
    for placed in plan.moves:
        if placed.clip not in clips:
            clips[placed.clip] = read_clip(placed.clip)
            require_equal(clips[placed.clip], next(iter(clips.values())))
    return clips


def _write(plan: Plan, clips: dict[Path, Clip], sound: Path, path: Path) -> None:
    template = plan.moves[0].clip
    with (
        av.open(str(path), "w", format="mp4", options=OPTIONS) as out,
        av.open(str(template)) as clip,
        av.open(str(sound)) as song,
    ):
        pictures = out.add_stream_from_template(clip.streams.video[0])
        pictures.time_base = TICK
        samples = out.add_stream_from_template(song.streams.audio[0])
        # In the order of time, so that a player that reads from the front finds sound and pictures together.
        packets: Iterator[Packet] = merge(
            _picture_packets(_pictures(plan, clips), plan.analysis.duration_s, pictures),
            _sound_packets(song, samples),
            key=_time_s,
        )
        for packet in packets:
            out.mux_one(packet)


def _pictures(plan: Plan, clips: dict[Path, Clip]) -> Iterator[Picture]:
    for number, placed in enumerate(plan.moves):
        clip = clips[placed.clip]
        ticks = warp_times(clip.times_s, placed, plan.analysis.beats_s)
        for index, (tick, (data, keyframe)) in enumerate(zip(ticks, clip.pictures, strict=False)):
            # Until the first 1 the dancers stand still: the first picture is shown from the beginning.
            yield (0 if number == index == 0 else int(tick)), data, keyframe


def _picture_packets(pictures: Iterator[Picture], duration_s: float, stream: VideoStream) -> Iterator[Packet]:
    end = (round(duration_s * TIMESCALE_HZ), b"", False)
    for (tick, data, keyframe), (following, _, _) in pairwise(chain(pictures, [end])):
        packet: Packet = av.Packet(data)
        packet.stream, packet.time_base, packet.is_keyframe = stream, TICK, keyframe
        packet.pts = packet.dts = tick
        packet.duration = max(following - tick, 1)
        yield packet


def _sound_packets(song: InputContainer, stream: AudioStream) -> Iterator[Packet]:
    for packet in song.demux(song.streams.audio[0]):
        if packet.size:
            packet.stream = stream
            yield packet


def _time_s(packet: Packet) -> float:
    return float((packet.dts or 0) * (packet.time_base or TICK))

"""A plan and a sound track become an mp4: packets are copied, only their times are new."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import merge
from itertools import chain, pairwise
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from bachateo.errors import VideoError
from bachateo.files import written_aside
from bachateo.media.clips import UNDECODED, Clip, open_clip, read_clip, require_equal
from bachateo.sequence import Plan
from bachateo.video.constant_rate import encode_constant
from bachateo.video.warp import TIMESCALE_HZ, warp_clip

TICK = Fraction(1, TIMESCALE_HZ)
# The index stands before the pictures, so that a player begins at once. `+faststart` would write it behind them and
# the whole file once more; fragments would lose the edit list that hides the encoder's priming, 23 ms of sound.
# At most what each picture and each piece of sound takes there: its time, size, place, chunk and keyframe.
INDEX_BYTES_PER_PACKET = 8 + 4 + 8 + 12 + 4
INDEX_BYTES = 64 * 1024

Packet: TypeAlias = "tuple[int, av.Packet[Any]]"  # time in ticks, what to write
Picture = tuple[int, bytes, bool]  # time in ticks, data, whether it is a keyframe


def assemble(plan: Plan, sound: Path, out: Path, *, constant_hz: int | None = None) -> None:
    """Write the video of a plan.

    Parameters
    ----------
    plan
        The moves and the beats of the song.
    sound
        The encoded sound track, from :func:`bachateo.video.encode_sound`.
    out
        The mp4 to write, whole or not at all.
    constant_hz
        Pictures a second, where they shall come at a constant rate: then all of them are encoded anew, which takes
        about a hundred times as long. ``None`` copies them, each with its own time.

    Raises
    ------
    VideoError
        A clip cannot be read, or not follow the others in one stream.
    """
    with written_aside(out) as aside:
        if constant_hz is None:
            _write(plan, sound, aside)
            return
        with TemporaryDirectory(prefix="bachateo-") as place:
            varying = Path(place) / "varying.mp4"
            _write(plan, sound, varying)
            encode_constant(varying, aside, constant_hz)


def _write(plan: Plan, sound: Path, path: Path) -> None:
    with (
        open_clip(plan.moves[0].clip) as clip,
        av.open(str(sound), container_options=UNDECODED) as song,
        av.open(str(path), "w", format="mp4", options=_options(plan, song)) as out,
    ):
        pictures = out.add_stream_from_template(clip.streams.video[0])
        pictures.time_base = TICK
        samples = out.add_stream_from_template(song.streams.audio[0])
        # In the order of time, so that a player that reads from the front finds sound and pictures together.
        packets: Iterator[Packet] = merge(
            _picture_packets(_pictures(plan), plan.analysis.duration_s, pictures),
            _sound_packets(song, samples),
            key=itemgetter(0),
        )
        for _, packet in packets:
            out.mux_one(packet)


def _options(plan: Plan, song: InputContainer) -> dict[str, str]:
    pictures = [placed.move.frame_count for placed in plan.moves]
    # Where the music has beats more, less than a whole move is shown again.
    packets = sum(pictures) + len(plan.analysis.restarts) * max(pictures) + song.streams.audio[0].frames
    index_bytes = INDEX_BYTES + packets * INDEX_BYTES_PER_PACKET
    return {"moov_size": str(index_bytes), "video_track_timescale": str(TIMESCALE_HZ)}


def _pictures(plan: Plan) -> Iterator[Picture]:
    first: Clip | None = None
    for number, placed in enumerate(plan.moves):
        # One clip in memory at a time: to read one again takes a millisecond.
        clip = read_clip(placed.clip)
        first = first or clip
        require_equal(clip, first)
        _require_count(clip, placed.move.frame_count)
        shown = warp_clip(clip, placed, plan.analysis, closes=number == len(plan.moves) - 1)
        for index, (tick, picture) in enumerate(zip(shown.ticks.tolist(), shown.pictures.tolist(), strict=True)):
            # Until the first 1 the dancers stand still: the first picture is shown from the beginning.
            yield (0 if number == index == 0 else tick), *clip.pictures[picture]


def _require_count(clip: Clip, expected: int) -> None:
    """Refuse a clip with more pictures than the library says: they would not fit into the index."""
    if len(clip.pictures) > expected:
        found = f"the clip {clip.path} holds {len(clip.pictures)} pictures; the library says {expected}"
        raise VideoError("CH068", f"{found}. Make its library again.")


def _picture_packets(pictures: Iterator[Picture], duration_s: float, stream: VideoStream) -> Iterator[Packet]:
    end = (round(duration_s * TIMESCALE_HZ), b"", False)
    for (tick, data, keyframe), (following, _, _) in pairwise(chain(pictures, [end])):
        packet: av.Packet[Any] = av.Packet(data)
        packet.stream, packet.time_base, packet.is_keyframe = stream, TICK, keyframe
        packet.pts = packet.dts = tick
        packet.duration = max(following - tick, 1)
        yield tick, packet


def _sound_packets(song: InputContainer, stream: AudioStream) -> Iterator[Packet]:
    track = song.streams.audio[0]
    ticks = float((track.time_base or 0) * TIMESCALE_HZ)
    for packet in song.demux(track):
        if packet.size:
            tick = round((packet.dts or 0) * ticks)
            packet.stream = stream
            yield tick, packet

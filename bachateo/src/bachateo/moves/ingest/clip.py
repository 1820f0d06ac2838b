"""The two steps in which a film becomes a clip. Each runs in a process of its own, with limits."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from bachateo.errors import ClipError
from bachateo.media.clips import read_clip
from bachateo.moves.encoding import BEATS_PER_GROUP, ENDING, TOLD_RATE, add_pictures, stamp, with_ending
from bachateo.moves.ingest.bars import BarFinder
from bachateo.moves.ingest.colours import peak_cd
from bachateo.moves.ingest.hearing import clip_sound, hear_clip, sound_start_s
from bachateo.moves.ingest.pictures import Box, Fitting, at_rate, from_time, opened_pictures
from bachateo.moves.ingest.quality import sharpness
from bachateo.moves.ingest.watching import Watching

LOOK_EVERY_S = 1.0
# The longest move lasts 20 s at the slowest tempo; no clip has more than this before its first 1.
LONGEST_S = 60.0
HALF_A_PICTURE = 0.49  # so that it is never rounded up to a whole one
SOUND_RATE_HZ = 48_000
SOUND_BIT_RATE = 128_000


def examine(path: str, listen: bool) -> dict[str, Any]:  # noqa: FBT001 - plain arguments, for a child process
    """Hear and see a film.

    Parameters
    ----------
    path
        The film.
    listen
        Whether to hear its beats; otherwise they are in the annotations.

    Returns
    -------
    dict
        ``beats_s``, ``first_count``, ``confidence``, ``bar_scores``, ``count_confidence`` and ``landmarks`` as
        :class:`bachateo.moves.ingest.hearing.Heard`;
        ``pictures_s``, when the first picture is shown and when the last one ends; ``box``, what lies between the
        bars: left, top, width and height in pixels; ``sharpness``, 0 to 1; ``brightest_cd``, the brightest light of
        a film of high dynamic range in cd/m², 100 of others; ``seconds`` of work.

    Raises
    ------
    ClipError
        CH087 to CH090, CH094 to CH096.
    """
    began = time.perf_counter()
    sound = hear_clip(Path(path)) if listen else None
    sound_start_s(Path(path))
    finder = BarFinder()
    sharp: list[float] = []
    brightest_cd = 0.0
    times_s: list[float] = []
    width = height = 0
    with opened_pictures(Path(path)) as pictures:
        for time_s, frame in pictures:
            if not times_s or time_s >= times_s[0] + len(sharp) * LOOK_EVERY_S:
                finder.see(_pixels(frame, "rgb24"))
                sharp.append(sharpness(_pixels(frame, "gray")))
                brightest_cd = max(brightest_cd, peak_cd(frame))
                width, height = frame.width, frame.height
            times_s.append(time_s)
            if time_s > times_s[0] + LONGEST_S:
                break
    if len(times_s) <= 1:
        raise ClipError("CH089", f"{Path(path).name} has {len(times_s)} pictures. Give a longer clip.")
    return {
        "beats_s": sound.beats_s if sound else (),
        "first_count": sound.first_count if sound else 0,
        "confidence": sound.confidence if sound else (),
        "bar_scores": sound.bar_scores if sound else (),
        "count_confidence": sound.count_confidence if sound else 1.0,
        "landmarks": sound.landmarks if sound else (),
        "pictures_s": (times_s[0], 2 * times_s[-1] - times_s[-2]),
        "box": finder.picture(width, height),
        "sharpness": round(float(np.median(sharp)), 3),
        "brightest_cd": round(brightest_cd, 1),
        "seconds": round(time.perf_counter() - began, 3),
    }


def _pixels(frame: VideoFrame, layout: str) -> NDArray[np.uint8]:
    return frame.to_ndarray(format=layout).astype(np.uint8, copy=False)


def normalise(
    source: str, out: str, beats_s: list[float], box: Box, size: tuple[int, int], rate_hz: int, brightest_cd: float
) -> dict[str, Any]:
    """Encode the part of a film that becomes a move.

    Parameters
    ----------
    source, out
        The film, and the mp4 to write.
    beats_s
        When each beat of the move falls in the film, and when the move ends, in seconds.
    box
        What to show of the pictures: left, top, width, height in pixels.
    size
        Width and height of the clip in pixels, both even.
    rate_hz
        Its pictures a second.
    brightest_cd
        As :func:`examine` returned it.

    Returns
    -------
    dict
        ``beats_s``, when each beat falls in the clip; ``frame_count``, with the pictures that fade; ``parameters``, a
        digest that is equal for clips that may follow each other in one stream; ``colours``, ``start_look`` and
        ``end_look``, as :class:`bachateo.moves.ingest.watching.Watching` has seen them; ``seconds`` of work.

    Raises
    ------
    ClipError
        CH090: it cannot be decoded.
    VideoError
        What was written is no clip that can be cut by copying.
    """
    began = time.perf_counter()
    rate = Fraction(rate_hz)
    with opened_pictures(Path(source)) as pictures, av.open(out, "w", format="mp4") as container:
        start_s, rest = from_time(pictures, beats_s[0])
        # The first picture is the nearest to the 1. Where a film has few pictures a second, it is shown when the 1 is:
        # the clip begins no farther from it than half a picture of its own.
        reach_s = HALF_A_PICTURE / float(rate)
        start_s = min(max(start_s, beats_s[0] - reach_s), beats_s[0] + reach_s)
        marked_s = [max(0.0, round(beat_s - start_s, 4)) for beat_s in beats_s]
        # A picture that would be shown for less than half its time before the cut shows the beat after it.
        count = round(marked_s[-1] * rate)
        keyframes = [round(beat_s * rate) for beat_s in marked_s[:-1:BEATS_PER_GROUP]]
        # Both streams must be there before the first packet is written.
        stream, track = add_pictures(container, size), _add_sound(container)
        fitting = Fitting(box, size, brightest_cd)
        watching = Watching(rate_hz)
        fitted = (watching.see(fitting.fit(frame)) for frame in at_rate(rest, start_s, rate, count))
        _write_pictures(container, stream, with_ending(fitted), keyframes, rate)
        _write_sound(container, track, _sound_between(Path(source), start_s, start_s + float(count / rate)))
    return {
        "beats_s": marked_s,
        "frame_count": count + ENDING,
        "parameters": _checked(Path(out), count + ENDING, keyframes),
        **watching.seen(),
        "seconds": round(time.perf_counter() - began, 3),
    }


def _write_pictures(
    container: OutputContainer,
    stream: VideoStream,
    frames: Iterable[VideoFrame],
    keyframes: Sequence[int],
    rate: Fraction,
) -> None:
    packets = chain.from_iterable(
        stream.encode(frame) for frame in chain(_numbered(frames, frozenset(keyframes)), [None])
    )
    for number, packet in enumerate(packets):
        stamp(packet, number, rate)
        container.mux(packet)


def _numbered(frames: Iterable[VideoFrame], keyframes: frozenset[int]) -> Iterator[VideoFrame]:
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, Fraction(1, TOLD_RATE)
        frame.pict_type = PictureType.I if number in keyframes else PictureType.NONE
        yield frame


def _add_sound(container: OutputContainer) -> AudioStream:
    track = container.add_stream("aac", rate=SOUND_RATE_HZ, layout="stereo", options={"aac_coder": "fast"})
    track.bit_rate = SOUND_BIT_RATE
    return track


def _sound_between(path: Path, start_s: float, stop_s: float) -> NDArray[np.float32]:
    """Return the sound of a part of the film, ``(2, samples)``; silence where the film has no sound."""
    start_s, stop_s = (edge_s - sound_start_s(path) for edge_s in (start_s, stop_s))
    start, stop = round(start_s * SOUND_RATE_HZ), round(stop_s * SOUND_RATE_HZ)
    heard = clip_sound(path, sample_format="fltp", layout="stereo", rate_hz=SOUND_RATE_HZ, stop_s=stop_s)
    sound = np.pad(heard[:, max(0, start) : max(0, stop)], ((0, 0), (max(0, -start), 0)))
    return np.pad(sound, ((0, 0), (0, stop - start - sound.shape[1])))


def _write_sound(container: OutputContainer, track: AudioStream, samples: NDArray[np.float32]) -> None:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = SOUND_RATE_HZ, 0
    container.mux(track.encode(frame))
    container.mux(track.encode(None))


def _checked(path: Path, count: int, keyframes: Sequence[int]) -> str:
    """Read the clip as assembly will, and return a digest of its parameters."""
    clip = read_clip(path)
    found = [number for number, (_, keyframe) in enumerate(clip.pictures) if keyframe]
    if len(clip.pictures) != count or found != keyframes:
        raise ClipError(
            "CH092",
            f"{len(clip.pictures)} pictures with keyframes {found} were written; {count} with "
            f"{keyframes} were expected. Report this, and the version of av you have installed.",
        )
    return hashlib.sha256(repr(clip.parameters).encode()).hexdigest()

"""The sound of a file: decoded to samples, or encoded anew."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TypedDict, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from bachateo.errors import SongError
from bachateo.media.codecs import SOUND_CODECS, is_read
from bachateo.media.opening import SOUND_FORMATS, OversizedError, UnreadableError, open_media, packets_of

# Below this is speech on a telephone: it holds nothing above 4 kHz, where guira and bongo are heard.
LEAST_RATE_HZ = 16_000
HIGHEST_RATE_HZ = 384_000
MOST_CHANNELS = 16
# A song of a CD's rate keeps it: to change it takes time, and makes nothing better.
TRACK_RATES_HZ = (44_100, 48_000)
TRACK_BIT_RATE = 160_000


class SoundFacts(TypedDict):
    """What a file says of itself; ``declared_s`` is None where that would be an estimate from the bit rate."""

    format: str
    format_title: str
    declared_s: float | None


def decode_sound(path: str, samples_fd: int, rate_hz: int, longest_s: float) -> SoundFacts:
    """Write the sound of a file as mono samples, float32 at ``rate_hz``, to an open file.

    Parameters
    ----------
    path
        The file.
    samples_fd
        Descriptor of an open file that the samples are written to.
    rate_hz
        Samples per second.
    longest_s
        The longest sound that is accepted, in seconds.

    Raises
    ------
    SongError
        There is no sound, or more than ``longest_s`` of it.
    """
    with open_sound(Path(path)) as (container, stream), os.fdopen(samples_fd, "wb", closefd=False) as out:
        facts = _facts(container, Path(path))
        frames = frames_of(stream, Path(path), facts["declared_s"], longest_s)
        for frame in resampled(frames, sample_format="flt", layout="mono", rate_hz=rate_hz):
            # Planes are longer than their samples.
            out.write(memoryview(frame.planes[0])[: frame.samples * 4])
        return facts


def encode_track(path: str, out_path: str, longest_s: float) -> None:
    """Write the sound of a file as stereo AAC in an mp4.

    Parameters
    ----------
    path
        The file.
    out_path
        The mp4 to write.
    longest_s
        The longest sound that is accepted, in seconds.

    Raises
    ------
    SongError
        As :func:`decode_sound`.
    """
    with open_sound(Path(path)) as (container, stream), av.open(out_path, "w", format="mp4") as out:
        # The fast coder takes a third of the time of the default one.
        rate_hz = stream.rate if stream.rate in TRACK_RATES_HZ else max(TRACK_RATES_HZ)
        track = out.add_stream("aac", rate=rate_hz, layout="stereo", options={"aac_coder": "fast"})
        track.bit_rate = TRACK_BIT_RATE
        frames = frames_of(stream, Path(path), _facts(container, Path(path))["declared_s"], longest_s)
        position = 0
        for frame in resampled(frames, sample_format="fltp", layout="stereo", rate_hz=rate_hz):
            # Time is counted in samples, as the beat tracker counts it: stamps of damaged files jump.
            frame.pts, frame.time_base = position, Fraction(1, rate_hz)
            position += frame.samples
            out.mux(track.encode(frame))
        out.mux(track.encode(None))


@contextmanager
def open_sound(path: Path, formats: Sequence[str] = SOUND_FORMATS) -> Iterator[tuple[InputContainer, AudioStream]]:
    """Open a file of one of these formats, and its first sound track.

    Raises
    ------
    SongError
        The file is empty, of no known format, has no sound track, or one that cannot be danced to.
    """
    if path.stat().st_size == 0:
        raise SongError("CH002", f"{path.name} is empty (0 bytes). Copy or upload the file again.")
    try:
        with open_media(path, formats) as container:
            if not container.streams.audio:
                raise SongError("CH004", f"{path.name} has no sound track, only pictures. Choose a file with sound.")
            stream = container.streams.audio[0]
            _require_rate(stream, path)
            yield container, stream
    except OversizedError as error:
        raise SongError(
            "CH015", f"{path.name} is no ordinary recording: it holds {error}. Export the song again, and nothing else."
        ) from error
    except UnreadableError as error:
        raise SongError(
            "CH003", f"{path.name} is no sound file ({error}). Choose an mp3, m4a, ogg, opus, flac, wav or mp4."
        ) from error


def frames_of(stream: AudioStream, path: Path, declared_s: float | None, longest_s: float) -> Iterator[av.AudioFrame]:
    """Yield the decoded frames of a sound track, stepping over packets that are damaged.

    Parameters
    ----------
    stream
        The sound track.
    path
        Its file, for messages.
    declared_s
        Length that the file declares, in seconds, if it does.
    longest_s
        The longest sound that is accepted, in seconds.

    Raises
    ------
    SongError
        There is more of it than ``longest_s``, by what it declares or by what is found.
    """
    _refuse_long(path, declared_s or 0.0, longest_s)
    duration_s = 0.0
    for packet in packets_of(cast("InputContainer", stream.container), stream):
        try:
            frames = cast("list[av.AudioFrame]", packet.decode())
        except MemoryError:
            raise
        except av.FFmpegError:
            # One bad packet is a click, not a reason to refuse a song; a cut-off file is noticed by its length.
            continue
        for frame in frames:
            duration_s += frame.samples / max(frame.sample_rate, 1)
            yield frame
        _refuse_long(path, duration_s, longest_s)


def resampled(
    frames: Iterator[av.AudioFrame], *, sample_format: str, layout: str, rate_hz: int
) -> Iterator[av.AudioFrame]:
    """Yield frames converted to one format, whatever format each of them has.

    Parameters
    ----------
    frames
        The decoded frames.
    sample_format, layout
        As FFmpeg names them: ``flt`` and ``mono``.
    rate_hz
        Samples per second.
    """
    resampler, before = None, None
    for frame in frames:
        # A recording may change within itself: joined from others, or damaged.
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != before:
            yield from _converted(resampler, None)
            resampler, before = av.AudioResampler(sample_format, layout, rate_hz), kind
        yield from _converted(resampler, frame)
    yield from _converted(resampler, None)


def _converted(resampler: av.AudioResampler | None, frame: av.AudioFrame | None) -> list[av.AudioFrame]:
    try:
        return resampler.resample(frame) if resampler else []
    except MemoryError:
        raise
    except av.FFmpegError:
        # A damaged frame that claims a format which does not exist is a click, as a damaged packet is.
        return []


def _require_rate(stream: AudioStream, path: Path) -> None:
    rate_hz = stream.codec_context.sample_rate if stream.codec_context else 0
    if rate_hz and not is_read(stream, SOUND_CODECS):
        raise UnreadableError(f"its sound is {stream.codec_context.codec.long_name}, which is not read")
    if rate_hz and stream.codec_context.channels > MOST_CHANNELS:
        raise OversizedError(f"{stream.codec_context.channels} channels of sound; {MOST_CHANNELS} are read")
    if not 0 < rate_hz <= HIGHEST_RATE_HZ:
        raise SongError("CH003", f"{path.name} holds no sound that can be decoded. Choose a song file such as mp3.")
    if rate_hz < LEAST_RATE_HZ:
        raise SongError(
            "CH017",
            f"{path.name} was recorded at {rate_hz / 1000:g} kHz, telephone quality: the drums cannot be heard in it. "
            f"Choose a recording at {LEAST_RATE_HZ // 1000} kHz or more; music has 44.1.",
        )


def _refuse_long(path: Path, duration_s: float, longest_s: float) -> None:
    if duration_s > longest_s:
        raise SongError(
            "CH007",
            f"{path.name} lasts more than {longest_s / 60:.0f} minutes. Choose one song rather than a whole set.",
        )


def _facts(container: InputContainer, path: Path) -> SoundFacts:
    name = container.format.name
    declared = container.duration is not None and (name != "mp3" or _has_frame_count(path))
    return SoundFacts(
        format=name,
        format_title=container.format.long_name,
        declared_s=(container.duration or 0) / av.time_base if declared else None,
    )


def _has_frame_count(path: Path) -> bool:
    """Whether an mp3 declares its number of frames (Xing or Info header in its first frame)."""
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            # The tag's size has seven bits per byte.
            size = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
            file.seek(10 + size)
        start = file.read(4096)
    return b"Xing" in start or b"Info" in start

"""A song file, decoded to the samples that the beat tracker hears, or refused with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from choreographer.errors import SongError

SAMPLE_RATE_HZ = 22_050  # what the beat network was trained on
SHORTEST_S = 8 * 60 / 175  # one eight-count at the fastest tempo that is tracked
LONGEST_S = 20 * 60.0
SILENCE_PEAK = 10 ** (-60 / 20)  # -60 dB of full scale
# Encoders pad and trim by some frames; more than this is missing on purpose of nobody.
MISSING_S, MISSING_FRACTION = 1.0, 0.02


@dataclass(frozen=True)
class Song:
    """Decoded sound.

    Attributes
    ----------
    samples
        Mono, float32 in -1..1, shape ``(n,)``, at ``SAMPLE_RATE_HZ``.
    """

    samples: NDArray[np.float32]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ


def require_file(path: Path) -> None:
    """Refuse a path that is no file.

    Raises
    ------
    SongError
        It is missing, or a folder.
    """
    if not path.is_file():
        raise SongError("CH001", f"there is no song file {path}. Choose one that exists.")


def check_song(path: Path) -> float:
    """Return how long the song is, in seconds, after decoding all of it.

    Raises
    ------
    SongError
        The file is missing, empty, no sound, silent, too short, too long or cut off.
    """
    return read_song(path).duration_s


def read_song(path: Path) -> Song:
    """Decode a song to mono samples.

    Raises
    ------
    SongError
        As :func:`check_song`.
    """
    with open_sound(path) as (container, stream):
        declared_s = _declared_duration_s(container, path)
        samples = _decode(frames_of(container, stream, path))
    song = Song(samples)
    if not len(samples):
        raise SongError("CH003", f"{path.name} holds no sound that can be decoded. Choose a song file such as mp3.")
    if declared_s is not None and declared_s - song.duration_s > max(MISSING_S, MISSING_FRACTION * declared_s):
        raise SongError(
            "CH008",
            f"{path.name} is cut off: it declares {declared_s:.0f} s but only {song.duration_s:.0f} s can be played. "
            "Copy or upload the file again.",
        )
    if song.duration_s < SHORTEST_S:
        raise SongError(
            "CH006",
            f"{path.name} lasts {song.duration_s:.1f} s; a choreography needs at least one eight-count "
            f"({SHORTEST_S:.1f} s). Choose a longer song.",
        )
    if float(np.abs(samples).max()) < SILENCE_PEAK:
        raise SongError("CH005", f"{path.name} is silent. Choose a song that can be heard.")
    return song


@contextmanager
def open_sound(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    """Open a file and its first sound track.

    Raises
    ------
    SongError
        The file is missing, empty, of no known format, or has no sound track.
    """
    require_file(path)
    if path.stat().st_size == 0:
        raise SongError("CH002", f"{path.name} is empty (0 bytes). Copy or upload the file again.")
    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        raise SongError(
            "CH003",
            f"{path.name} is no sound file ({error.strerror}). Choose an mp3, m4a, ogg, opus, flac, wav or mp4.",
        ) from error
    with container:
        if not container.streams.audio:
            raise SongError("CH004", f"{path.name} has no sound track, only pictures. Choose a file with sound.")
        yield container, container.streams.audio[0]


def frames_of(container: InputContainer, stream: AudioStream, path: Path) -> Iterator[av.AudioFrame]:
    """Yield the decoded frames of a sound track, stepping over packets that are damaged.

    Raises
    ------
    SongError
        There is more of it than ``LONGEST_S``.
    """
    _refuse_long(path, _declared_duration_s(container, path) or 0.0)
    duration_s = 0.0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            # One bad packet is a click, not a reason to refuse a song; a cut-off file is noticed by its length.
            continue
        for frame in frames:
            duration_s += frame.samples / frame.sample_rate
            yield frame
        _refuse_long(path, duration_s)


def _decode(frames: Iterator[av.AudioFrame]) -> NDArray[np.float32]:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    blocks = [part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)]
    blocks.extend(part.to_ndarray()[0] for part in resampler.resample(None))
    return np.concatenate(blocks) if blocks else np.empty(0, np.float32)


def _refuse_long(path: Path, duration_s: float) -> None:
    if duration_s > LONGEST_S:
        raise SongError(
            "CH007",
            f"{path.name} lasts more than {LONGEST_S / 60:.0f} minutes. Choose one song rather than a whole set.",
        )


def _declared_duration_s(container: InputContainer, path: Path) -> float | None:
    """Return the length the file declares, or None where it is only an estimate from the bit rate."""
    if container.duration is None or container.format.name in {"aac", "ac3", "amr"}:
        return None
    if container.format.name == "mp3" and not _has_frame_count(path):
        return None
    return container.duration / av.time_base


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

"""A song file, decoded to the samples that the beat tracker hears, or refused with the reason."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from bachateo.errors import SongError
from bachateo.isolation import LimitedChild, Limits
from bachateo.media import song_file

SAMPLE_RATE_HZ = 22_050  # what the beat network was trained on
SHORTEST_S = 10.0  # an intro, a move and an outro need it
SILENCE_PEAK = 10 ** (-60 / 20)  # -60 dB of full scale
LOUDEST_PEAK = 10 ** (12 / 20)  # lossy codecs overshoot by a few dB; beyond is damage
# Encoders pad and trim by some frames; more than this is damage.
TRIMMED_S = 0.1
MISSING_S, MISSING_FRACTION = 1.0, 0.02
# The longest song takes a quarter of this on a slow machine and fills 240 MB.
LIMITS = Limits(seconds=60, memory_mb=1024, file_mb=300)
# Sound of 8 kbit/s, the least for its size that is heard as music, takes 1.1 s a megabyte; 64 kbit/s takes 0.2 s.
LEAST_CPU_S, CPU_S_PER_MB = 2.0, 0.75


@dataclass(frozen=True)
class DecodedSong:
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


@dataclass(frozen=True)
class SongFacts:
    """What is known of a song that was decoded to its end.

    Attributes
    ----------
    duration_s
        Length in seconds.
    format, format_title
        The format inside, whatever the file is called: FFmpeg's name (``mp3``) and its title for people.
    """

    duration_s: float
    format: str
    format_title: str


def check_song(path: Path) -> float:
    """Return how long the song is, in seconds, after decoding all of it.

    Raises
    ------
    SongError
        The file is missing, empty, no sound, silent, too short, too long, cut off or of telephone quality; or
        decoding it crashed or took more time or memory than it may.
    """
    return read_song(path).duration_s


def inspect_song(path: Path) -> SongFacts:
    """Decode all of a song and tell what it is.

    Raises
    ------
    SongError
        As :func:`check_song`.
    """
    return _read(path)[1]


def read_song(path: Path, *, meanwhile: Callable[[], object] | None = None) -> DecodedSong:
    """Decode a song to mono samples.

    Parameters
    ----------
    path
        The song.
    meanwhile
        Called while another process decodes.

    Raises
    ------
    SongError
        As :func:`check_song`.
    """
    return _read(path, meanwhile)[0]


def read_sound(path: Path) -> DecodedSong:
    """Decode any sound to mono samples, however short or soft.

    Raises
    ------
    SongError
        There is no file, or it cannot be decoded within the limits.
    """
    return _decode(path)[0]


def _read(path: Path, meanwhile: Callable[[], object] | None = None) -> tuple[DecodedSong, SongFacts]:
    song, facts = _decode(path, meanwhile)
    _refuse_unplayable(song, facts["declared_s"], path)
    return song, SongFacts(song.duration_s, facts["format"], facts["format_title"])


def _decode(path: Path, meanwhile: Callable[[], object] | None = None) -> tuple[DecodedSong, dict[str, Any]]:
    song_file.require_file(path)
    # The file has no name, so that it is gone however this process ends.
    with (
        tempfile.TemporaryFile(prefix="bachateo-") as file,
        LimitedChild(
            "bachateo.media.sound.decode_sound",
            str(path),
            file.fileno(),
            SAMPLE_RATE_HZ,
            song_file.LONGEST_S,
            about=path.name,
            limits=LIMITS.in_proportion(path, least_s=LEAST_CPU_S, s_per_mb=CPU_S_PER_MB),
            pass_fds=[file.fileno()],
            reads=[path],
        ) as child,
    ):
        if meanwhile:
            meanwhile()
        facts = child.result()
        return DecodedSong(_mapped(file)), facts


def _mapped(file: IO[bytes]) -> NDArray[np.float32]:
    """Return the samples as they lie in the file, which keeps them out of memory until they are read."""
    if not file.seek(0, 2):
        return np.empty(0, np.float32)
    # A private mapping: pages are copied when they are written to.
    samples = np.asarray(np.memmap(file, np.float32, "c"))
    loudest = max(float(samples.max()), -float(samples.min()))
    # Formats with floating point hold, when damaged, anything at all. NaN fails this comparison, too.
    if not loudest <= LOUDEST_PEAK:
        np.nan_to_num(samples, copy=False)
        np.clip(samples, -1, 1, out=samples)
    return samples


def _refuse_unplayable(song: DecodedSong, declared_s: float | None, path: Path) -> None:
    samples = song.samples
    if not len(samples):
        raise SongError("CH003", f"{path.name} holds no sound that can be decoded. Choose a song file such as mp3.")
    if declared_s is not None and declared_s - song.duration_s > max(MISSING_S, MISSING_FRACTION * declared_s):
        raise SongError(
            "CH008",
            f"{path.name} is cut off: it declares {declared_s:.0f} s but only {song.duration_s:.0f} s can be played. "
            "Copy or upload the file again.",
        )
    if song.duration_s < SHORTEST_S - TRIMMED_S:
        raise SongError(
            "CH006",
            f"{path.name} lasts {song.duration_s:.1f} s; a choreography needs at least {SHORTEST_S:.0f} s. "
            "Choose a longer song.",
        )
    if max(samples.max(), -samples.min()) < SILENCE_PEAK:
        raise SongError("CH005", f"{path.name} is silent. Choose a song that can be heard.")

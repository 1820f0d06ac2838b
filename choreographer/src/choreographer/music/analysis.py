"""What was heard in a song, kept by its content."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from choreographer.cache import cached, content_key
from choreographer.errors import SongError
from choreographer.music.song import SAMPLE_RATE_HZ, Song, read_song, require_file

VERSION = 1  # of what is heard; a cached analysis of another version is not used
COUNTS = 8
# Songs have a contrast of 9, clicks of 3, noise and drones of 1.
LEAST_CONTRAST = 1.4


@dataclass(frozen=True)
class Analysis:
    """What a dancer hears.

    Attributes
    ----------
    duration_s
        Length of the song in seconds.
    tempo_bpm
        Median tempo in beats per minute.
    beats_s
        Beats in seconds, ascending, from the beginning of the song to its end: where nothing is heard, the beat
        goes on as before.
    first_count
        Index in ``beats_s`` of the first beat that is a 1. Every eighth beat from there is a 1.
    energy
        Loudness of each eight-count from ``first_count`` on, 0 (the softest of this song) to 1.
    confidence
        How clearly each beat of ``beats_s`` was heard, 0 (it only goes on as before) to 1.
    """

    duration_s: float
    tempo_bpm: float
    beats_s: tuple[float, ...]
    first_count: int
    energy: tuple[float, ...]
    confidence: tuple[float, ...] = ()

    @property
    def eight_counts(self) -> int:
        """How many complete eight-counts the song holds."""
        return len(self.energy)


def analyze_song(path: Path, *, cache: Path) -> Analysis:
    """Hear a song, or remember what was heard in a file of the same content.

    Raises
    ------
    SongError
        The song cannot be danced to.
    """
    require_file(path)
    name = f"analysis-{VERSION}-{content_key(path)}.json"
    entry, _ = cached(cache, name, lambda aside: _write(analyze_samples(read_song(path)), aside))
    fields: dict[str, Any] = json.loads(entry.read_text())
    return Analysis(**{**fields, "beats_s": tuple(fields["beats_s"]), "energy": tuple(fields["energy"])})


def analyze_samples(song: Song) -> Analysis:
    """Hear a decoded song.

    Raises
    ------
    SongError
        No beat is heard, or not one complete eight-count.
    """
    # Loading the tracker costs a tenth of a second, which a cached analysis need not pay.
    from choreographer.music.features import FRAME_RATE_HZ, beat_features  # noqa: PLC0415
    from choreographer.music.meter import decode_bars  # noqa: PLC0415
    from choreographer.music.network import beat_activations  # noqa: PLC0415
    from choreographer.music.onsets import refine_beats  # noqa: PLC0415

    activations = beat_activations(beat_features(song.samples))
    frames, places = decode_bars(activations)
    if len(frames) < COUNTS or _contrast(activations, frames) < LEAST_CONTRAST:
        raise SongError("CH009", "no steady beat was heard in this song. Choose one with a rhythm to dance to.")
    beats_s = refine_beats(song.samples, frames / FRAME_RATE_HZ)
    grid, added = _fill(beats_s, song.duration_s)
    # Where the bar begins is voted for by every beat, so that one slip of the tracker does not decide it.
    votes = np.bincount((np.arange(len(places)) - places) % 4, minlength=4)
    first = int((votes.argmax() + added) % 4)
    edges = grid[first::COUNTS]
    if len(edges[1:]) == 0:
        raise SongError(
            "CH012",
            f"the song holds no complete eight-count: {len(grid) - first} beats from the first 1 to its end. "
            "Choose a longer song.",
        )
    return Analysis(
        duration_s=song.duration_s,
        tempo_bpm=round(60 / float(np.median(np.diff(beats_s))), 2),
        beats_s=tuple(round(float(beat), 4) for beat in grid),
        first_count=first,
        energy=_energy(song.samples, edges),
    )


def _contrast(activations: NDArray[np.float32], frames: NDArray[np.int64]) -> float:
    """How much more it sounds like a beat where the beats are than elsewhere."""
    beat = activations.sum(axis=1)
    near = [beat[np.clip(frames + shift, 0, len(beat) - 1)] for shift in (-2, -1, 0, 1, 2)]
    return float(np.median(np.max(near, axis=0)) / beat.mean())


def _fill(beats_s: NDArray[np.float64], duration_s: float) -> tuple[NDArray[np.float64], int]:
    """Let the beat go on to both ends of the song; also return how many beats were added before."""
    before, after = np.diff(beats_s[:COUNTS]).mean(), np.diff(beats_s[-COUNTS:]).mean()
    added = int(beats_s[0] / before)
    head = beats_s[0] - before * np.arange(added, 0, -1)
    tail = beats_s[-1] + after * np.arange(1, int((duration_s - beats_s[-1]) / after) + 1)
    # Refined, the first beat may come to lie a few milliseconds before the song.
    return np.concatenate((head, beats_s, tail)).clip(0, duration_s), added


def _energy(samples: NDArray[np.float32], edges_s: NDArray[np.float64]) -> tuple[float, ...]:
    bounds = (edges_s * SAMPLE_RATE_HZ).astype(int)
    loudness = [float(np.sqrt(np.mean(np.square(samples[start:stop])))) for start, stop in pairwise(bounds)]
    low, high = min(loudness, default=0.0), max(loudness, default=0.0)
    return tuple(round((value - low) / (high - low), 3) if high > low else 0.5 for value in loudness)


def _write(analysis: Analysis, path: Path) -> None:
    path.write_text(json.dumps(asdict(analysis)))

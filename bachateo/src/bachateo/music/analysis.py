"""What was heard in a song: its beats, counts, tempo and energy."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bachateo.errors import SongError

COUNTS = 8
BAR = 4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Phrase:
    """Eight counts of a song.

    Attributes
    ----------
    number
        0 for the first.
    first_beat
        Index of its 1 in ``Analysis.beats_s``.
    start_s, end_s
        From its 1 to the next 1, in seconds.
    energy
        Loudness, 0 (the softest phrase of this song) to 1.
    """

    number: int
    first_beat: int
    start_s: float
    end_s: float
    energy: float


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
    loudness
        Root mean square of the samples from each beat of ``beats_s`` to the next, so one fewer.
    """

    duration_s: float
    tempo_bpm: float
    beats_s: tuple[float, ...]
    first_count: int
    energy: tuple[float, ...]
    confidence: tuple[float, ...] = ()
    loudness: tuple[float, ...] = ()

    @property
    def eight_counts(self) -> int:
        """How many complete eight-counts the song holds."""
        return len(self.energy)

    @property
    def downbeats_s(self) -> tuple[float, ...]:
        """The first beat of each bar of four, in seconds: counts 1 and 5."""
        return self.beats_s[self.first_count % BAR :: BAR]

    @property
    def tempo_curve_bpm(self) -> tuple[float, ...]:
        """Tempo at each beat of ``beats_s``, in beats per minute, over the beat before and the one after."""
        if len(self.beats_s) < 2:  # noqa: PLR2004
            return ()
        beat_s = np.gradient(np.array(self.beats_s))
        return tuple(round(float(60 / length), 2) for length in beat_s)

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """The complete eight-counts of the song."""
        starts = range(self.first_count, len(self.beats_s), COUNTS)
        return tuple(
            Phrase(number, start, self.beats_s[start], self.beats_s[start + COUNTS], energy)
            for number, (start, energy) in enumerate(zip(starts, self.energy, strict=False))
        )

    def to_json(self) -> str:
        """Return the fields, and what follows from them, as a JSON object."""
        follows = {
            "downbeats_s": self.downbeats_s,
            "tempo_curve_bpm": self.tempo_curve_bpm,
            "phrases": [asdict(phrase) for phrase in self.phrases],
        }
        return json.dumps({**asdict(self), **follows})

    @classmethod
    def from_json(cls, text: str) -> Analysis:
        """Return the analysis that :meth:`to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        own = ((field.name, values[field.name]) for field in fields(cls))
        kept: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in own}
        return cls(**kept)


def analysis_of(
    *, duration_s: float, beats_s: Array, first_count: int, confidence: Iterable[float], loudness: Iterable[float]
) -> Analysis:
    """Return an analysis with all that follows from its beats and its first 1.

    Parameters
    ----------
    duration_s
        Length of the song in seconds.
    beats_s
        Beats in seconds, ascending, shape ``(beats,)``.
    first_count
        Index of the first beat that is a 1.
    confidence
        How clearly each beat was heard, 0 to 1.
    loudness
        Root mean square from each beat to the next, so one fewer.

    Raises
    ------
    SongError
        There is not one complete eight-count.
    """
    confidence, loudness = tuple(confidence), tuple(loudness)
    if len(beats_s) - first_count <= COUNTS:
        raise SongError(
            "CH012",
            f"the song holds no complete eight-count: {len(beats_s) - first_count} beats from the first 1 to its end. "
            "Choose a longer song.",
        )
    heard = beats_s[np.flatnonzero(confidence)] if any(confidence) else beats_s
    return Analysis(
        duration_s=duration_s,
        tempo_bpm=round(60 / float(np.median(np.diff(heard))), 2),
        beats_s=tuple(round(float(beat), 4) for beat in beats_s),
        first_count=first_count,
        energy=_energy(beats_s, first_count, loudness),
        confidence=tuple(round(float(value), 3) for value in confidence),
        loudness=tuple(round(float(value), 5) for value in loudness),
    )


def _energy(beats_s: Array, first_count: int, loudness: Iterable[float]) -> tuple[float, ...]:
    power, length_s = np.square(np.array(list(loudness))), np.diff(beats_s)
    starts = range(first_count, len(beats_s) - COUNTS, COUNTS)
    phrases = [slice(start, start + COUNTS) for start in starts]
    levels = [float(np.sqrt(np.average(power[part], weights=length_s[part]))) for part in phrases]
    low, high = min(levels, default=0.0), max(levels, default=0.0)
    return tuple(round((level - low) / (high - low), 3) if high > low else 0.5 for level in levels)

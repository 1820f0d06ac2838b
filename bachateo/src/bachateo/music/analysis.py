"""What was heard in a song: its beats, counts, tempo and energy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bachateo.errors import SongError
from bachateo.music.certainty import place_probabilities

COUNTS = 8
AS_LIKELY_AS_NOT = 0.5
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
    confidence
        How sure it is that this 1 is no 5, 0.5 (as likely as not) to 1.
    """

    number: int
    first_beat: int
    start_s: float
    end_s: float
    energy: float
    confidence: float


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
        Index in ``beats_s`` of the first beat that is a 1. Every eighth beat from there is a 1, as far as the first
        of ``restarts``.
    energy
        Loudness of each eight-count, 0 (the softest of this song) to 1.
    confidence
        How clearly each beat of ``beats_s`` was heard, 0 (it only goes on as before) to 1.
    loudness
        Root mean square of the samples from each beat of ``beats_s`` to the next, so one fewer.
    restarts
        Indices in ``beats_s`` of each 1 that comes later than eight beats after the one before: the music has a bar
        or some beats more there. From each of them on, every eighth beat is a 1 as far as the next.
    count_confidence
        How sure each eight-count is that its 1 is no 5, 0.5 to 1; empty where it was not asked of the music.
    four_beats
        How sure it is that the song has four beats a bar, 0 to 1.
    uncertain_s
        From when to when the beat is uncertain, in seconds.
    bar_scores
        How much it sounds like bars that begin on the 1s and 5s, half a beat later, one beat later … three and a half
        beats later, in nats; empty where it was not asked of the music.
    """

    duration_s: float
    tempo_bpm: float
    beats_s: tuple[float, ...]
    first_count: int
    energy: tuple[float, ...]
    confidence: tuple[float, ...] = ()
    loudness: tuple[float, ...] = ()
    restarts: tuple[int, ...] = ()
    count_confidence: tuple[float, ...] = ()
    four_beats: float = 1.0
    uncertain_s: tuple[tuple[float, float], ...] = ()
    bar_scores: tuple[float, ...] = ()

    @property
    def bar_confidence(self) -> float:
        """How sure it is that the bars begin on the 1s and 5s and not between them, 0 to 1."""
        return round(float(place_probabilities(self.bar_scores)[0]), 3) if self.bar_scores else 1.0

    @property
    def looks_like_four_beats(self) -> bool:
        """Whether it is at least as likely as not that the song has four beats a bar."""
        return self.four_beats >= AS_LIKELY_AS_NOT

    @property
    def doubts(self) -> tuple[str, ...]:
        """What may be wrong with the song or with what was heard, in sentences for people."""
        meter = ("This does not look like four beats a bar.",) * (not self.looks_like_four_beats)
        spans = (f"The beat is uncertain from {_clock(start)} to {_clock(end)}." for start, end in self.uncertain_s)
        return (*meter, *spans)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Index in ``beats_s`` of the 1 of each complete eight-count."""
        return eight_starts(self.first_count, self.restarts, len(self.beats_s))

    def eights_from(self, one: int, eights: int) -> tuple[int, ...]:
        """Return the index of the 1 of so many eight-counts, the first at ``one``.

        Parameters
        ----------
        one
            One of ``starts``.
        eights
            How many. After the last of ``starts`` they go on as before.
        """
        slot = self.starts.index(one)
        known = self.starts[slot : slot + eights]
        return (*known, *(known[-1] + COUNTS * more for more in range(1, eights - len(known) + 1)))

    @property
    def counts(self) -> tuple[int, ...]:
        """What a teacher calls on each beat, 1 to 8. Beats that the music has more are counted from 1 on, too."""
        before = np.arange(len(self.beats_s)) - self.first_count
        for restart in self.restarts:
            before[restart:] = np.arange(len(self.beats_s) - restart)
        return tuple((before % COUNTS + 1).tolist())

    @property
    def eight_counts(self) -> int:
        """How many complete eight-counts the song holds."""
        return len(self.energy)

    @property
    def downbeats_s(self) -> tuple[float, ...]:
        """The first beat of each bar of four, in seconds: counts 1 and 5."""
        ends = (*self.restarts, len(self.beats_s) - 1 + BAR)
        begins = (self.first_count % BAR, *self.restarts)
        bars = (range(begin, end - BAR + 1, BAR) for begin, end in zip(begins, ends, strict=True))
        return tuple(self.beats_s[at] for bar in bars for at in bar)

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
        sure = self.count_confidence or (1.0,) * len(self.starts)
        return tuple(
            Phrase(number, start, self.beats_s[start], self.beats_s[start + COUNTS], energy, confidence)
            for number, (start, energy, confidence) in enumerate(zip(self.starts, self.energy, sure, strict=False))
        )

    def to_json(self) -> str:
        """Return the fields, and what follows from them, as a JSON object."""
        follows = {
            "downbeats_s": self.downbeats_s,
            "tempo_curve_bpm": self.tempo_curve_bpm,
            "phrases": [asdict(phrase) for phrase in self.phrases],
            "doubts": self.doubts,
            "bar_confidence": self.bar_confidence,
        }
        return json.dumps({**asdict(self), **follows})

    @classmethod
    def from_json(cls, text: str) -> Analysis:
        """Return the analysis that :meth:`to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        own = ((field.name, values[field.name]) for field in fields(cls))
        return cls(**{name: _tuples(value) for name, value in own})


def analysis_of(
    *,
    duration_s: float,
    beats_s: Array,
    first_count: int,
    confidence: Iterable[float],
    loudness: Iterable[float],
    restarts: Iterable[int] = (),
    count_confidence: Iterable[float] = (),
    four_beats: float = 1.0,
    uncertain_s: Iterable[tuple[float, float]] = (),
    bar_scores: Iterable[float] = (),
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
    restarts
        Indices of the beats on which the count begins anew.
    count_confidence
        How sure each eight-count is that its 1 is no 5.
    four_beats
        How sure it is that there are four beats a bar, 0 to 1.
    uncertain_s
        From when to when the beat is uncertain, in seconds.
    bar_scores
        How much it sounds like bars from each half beat of them on, in nats.

    Raises
    ------
    SongError
        There is not one complete eight-count.
    """
    confidence, loudness = tuple(confidence), tuple(loudness)
    restarts = tuple(restarts)
    starts = eight_starts(first_count, restarts, len(beats_s))
    if not starts:
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
        energy=_energy(beats_s, starts, loudness),
        confidence=tuple(round(float(value), 3) for value in confidence),
        loudness=tuple(round(float(value), 5) for value in loudness),
        restarts=restarts,
        count_confidence=tuple(round(float(value), 3) for value in count_confidence),
        four_beats=round(four_beats, 3),
        uncertain_s=tuple((round(start, 2), round(end, 2)) for start, end in uncertain_s),
        bar_scores=tuple(round(float(score), 3) for score in bar_scores),
    )


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _tuples(value: Any) -> Any:
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value


def eight_starts(first_count: int, restarts: Sequence[int], beats: int) -> tuple[int, ...]:
    """Return the index of the 1 of each complete eight-count.

    Parameters
    ----------
    first_count, restarts
        As in :class:`Analysis`.
    beats
        How many beats the song has.
    """
    parts = pairwise((first_count, *restarts, beats - 1))
    return tuple(at for begin, end in parts for at in range(begin, end - COUNTS + 1, COUNTS))


def _energy(beats_s: Array, starts: Iterable[int], loudness: Iterable[float]) -> tuple[float, ...]:
    power, length_s = np.square(np.array(list(loudness))), np.diff(beats_s)
    phrases = [slice(start, start + COUNTS) for start in starts]
    levels = [float(np.sqrt(np.average(power[part], weights=length_s[part]))) for part in phrases]
    low, high = min(levels, default=0.0), max(levels, default=0.0)
    return tuple(round((level - low) / (high - low), 3) if high > low else 0.5 for level in levels)

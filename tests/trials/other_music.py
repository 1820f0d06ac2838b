"""Music that is no bachata: what a tracker of bachatas must say so of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bachateo.music.instruments import RATE_HZ
from bachateo.music.recording import write_sound
from tests.trials.hard_songs import HardSong, play
from tests.trials.score import PROGRESSIONS, Note

KINDS = ("waltz", "flamenco", "free tempo")
# Accents of a soleá or bulería among its twelve quavers, each half a beat here.
Chords = tuple[tuple[int, tuple[int, ...]], ...]
COMPAS = (6, 9, 3, 6, 9, 3, 7, 10, 3, 10, 3, 6)


def write_other_music(path: Path, kind: str, seed: int, *, seconds: float = 60.0) -> None:
    """Write music without bars of four beats, or without a steady beat.

    Parameters
    ----------
    path
        The sound file; its suffix names the format.
    kind
        One of ``KINDS``.
    seed
        Another seed, another song.
    seconds
        How long it lasts, about.
    """
    rng = np.random.default_rng([seed, KINDS.index(kind), 4])
    bpm = float(rng.uniform(110, 160))
    count = int((seconds - 2.5) * bpm / 60)
    intervals_s = 60 / bpm * (rng.uniform(0.6, 1.6, count) if kind == "free tempo" else rng.normal(1, 0.003, count))
    beats_s = 0.5 + np.concatenate(([0.0], np.cumsum(intervals_s)))
    chords = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    notes = {"waltz": _waltz, "flamenco": _flamenco, "free tempo": _free}[kind](rng, count, chords)
    song = HardSong(kind, bpm, beats_s, 0, tuple(notes))
    write_sound(path, play(song, rng), rate_hz=RATE_HZ)


def _waltz(rng: np.random.Generator, count: int, chords: Chords) -> Iterator[Note]:
    for beat in range(count):
        bar, place = divmod(beat, 3)
        root, chord = chords[bar // 2 % len(chords)]
        if place == 0:
            yield Note("bass", beat, root - 12 + 7 * (bar % 2), 0.9, 1.0)
            yield Note("kick", beat, 60, 0.8)
        else:
            for pitch in chord:
                yield Note("segunda", beat, pitch, 0.6, 0.5)
        if rng.random() < 0.7:
            yield Note("voice", beat, int(rng.choice(chord)) + 12, 0.7, 1.0)


def _flamenco(rng: np.random.Generator, count: int, chords: Chords) -> Iterator[Note]:
    for half in range(2 * count):
        compas, place = divmod(half, len(COMPAS))
        root, chord = chords[compas % len(chords)]
        yield Note("high_bongo", half / 2, 60, COMPAS[place] / 10)
        if COMPAS[place] >= 6:
            for pitch in chord:
                yield Note("segunda", half / 2, pitch, COMPAS[place] / 10, 0.5)
        if COMPAS[place] == 10:
            yield Note("bass", half / 2, root - 12, 0.8, 1.0)
        if rng.random() < 0.4:
            yield Note("requinto", half / 2, int(rng.choice(chord)) + 12, 0.7, 0.5)


def _free(rng: np.random.Generator, count: int, chords: Chords) -> Iterator[Note]:
    for beat in range(count):
        root, chord = chords[beat // 7 % len(chords)]
        yield Note("requinto", beat, int(rng.choice(chord)) + 12, float(rng.uniform(0.5, 1)), 1.0)
        if rng.random() < 0.3:
            yield Note("bass", beat, root - 12, 0.7, 2.0)

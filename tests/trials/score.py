"""Bachatas written down at random: which instrument plays what on which part of a beat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

BAR = 4
# Two bars to a chord or one, in minor or major: root of the bass and the chord above it.
PROGRESSIONS = (
    ((45, (57, 60, 64)), (41, (57, 60, 65)), (48, (55, 60, 64)), (43, (55, 59, 62))),
    ((40, (55, 59, 64)), (45, (57, 60, 64)), (47, (54, 57, 63)), (40, (55, 59, 64))),
    ((48, (55, 60, 64)), (45, (57, 60, 64)), (41, (57, 60, 65)), (43, (55, 59, 62))),
    ((45, (57, 60, 64)), (45, (57, 60, 64)), (38, (57, 62, 65)), (40, (56, 59, 64))),
)
# Strokes of one bar, by quarters of a beat: loudness 0 to 9, a dot is silence.
GUIRA = {
    "derecho": "8.448.448.448.44",
    "straight": "7.4.7.4.7.4.7.4.",
    "mambo": "8.658.658.658.65",
    "off-beat": "3.9.3.9.3.9.3.9.",
    "sparse": "6...6...6...6.4.",
}
HIGH_BONGO = {
    "martillo": "8.4.6.4.7.4...3.",
    "majao": "7.4474.47.44..4.",
    "off-beat": "4.8.3.8.4.8.3.8.",
    "rolls": "8.4.6.4.7.446666",
}
LOW_BONGO = {
    "martillo": "............9.5.",
    "majao": "..........5.9.6.",
    "off-beat": "............7.8.",
    "rolls": "............8...",
}
# Of the bass, the digits are steps of the chord: 1 root, 5 fifth, 8 octave.
BASS = {
    "derecho": "1.......5...8...",
    "majao": "1.......5...8.5.",
    "walking": "1...3...5...8...",
    "syncopated": "1.....5...5.8...",
    "anticipating": "1.....5.....8.1.",
    "two": "1.......5.......",
    "every": "1...1...5...5...",
    "tumbao": "......5.....8...",
}
KIT = {"none": "................", "kick": "9.......9.......", "four": "9...9...9...9..."}
# One section: what the rhythm plays, how loud the guitars and the voice are (0 to 1).
SECTIONS = {
    "intro": ("sparse", "martillo", "derecho", 0.9, 0.9, 0.0),
    "lead-in": (None, None, None, 0.3, 1.0, 0.0),
    "derecho": ("derecho", "martillo", "derecho", 0.8, 0.4, 0.8),
    "majao": ("straight", "majao", "majao", 0.8, 0.5, 0.8),
    "mambo": ("mambo", "rolls", "syncopated", 0.7, 1.0, 0.0),
    "break": (None, None, "derecho", 0.9, 0.6, 0.6),
    "stop": (None, None, None, 0.0, 0.9, 0.5),
    "off-beat": ("off-beat", "off-beat", "anticipating", 0.7, 0.5, 0.6),
    "tumbao": ("mambo", "majao", "tumbao", 0.7, 0.8, 0.3),
    "outro": ("derecho", "martillo", "walking", 0.8, 0.8, 0.2),
}
ARRANGEMENTS = (
    ("intro", "derecho", "majao", "break", "mambo", "derecho"),
    ("lead-in", "derecho", "mambo", "majao", "stop", "derecho"),
    ("mambo", "derecho", "break", "majao", "outro"),
    ("intro", "majao", "mambo", "derecho", "stop", "mambo"),
    ("lead-in", "mambo", "tumbao", "derecho", "break", "majao"),
    ("derecho", "derecho", "majao", "mambo", "outro"),
)


class Rhythm:
    """The patterns as one band plays them: a stroke more or less, and a bass line of its own."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.guira = {name: _varied(rng, pattern) for name, pattern in GUIRA.items()}
        self.high_bongo = {name: _varied(rng, pattern) for name, pattern in HIGH_BONGO.items()}
        self.low_bongo = {name: _varied(rng, pattern) for name, pattern in LOW_BONGO.items()}
        self.kick = KIT[str(rng.choice(list(KIT), p=[0.6, 0.2, 0.2]))]
        own = BASS[str(rng.choice([name for name in BASS if name != "tumbao"]))]
        self.bass = BASS | ({"derecho": own} if rng.random() < 0.6 else {})


def _varied(rng: np.random.Generator, pattern: str) -> str:
    strokes = list(pattern)
    for place, stroke in enumerate(strokes):
        if stroke != "." and rng.random() < 0.08:
            strokes[place] = "."
        elif stroke == "." and place % 2 == 0 and rng.random() < 0.05:
            strokes[place] = "4"
    return "".join(strokes)


@dataclass(frozen=True)
class Note:
    """One note of one instrument.

    Attributes
    ----------
    voice
        ``guira``, ``high_bongo``, ``low_bongo``, ``kick``, ``bass``, ``segunda``, ``requinto`` or ``voice``.
    at_beat
        When it is struck, in beats from the first downbeat; a pickup is before 0.
    pitch
        MIDI note number; without a meaning for drums.
    loudness
        Above 0 to about 1.
    beats
        How long it is held.
    """

    voice: str
    at_beat: float
    pitch: int
    loudness: float
    beats: float = 0.5


def write_score(
    rng: np.random.Generator, *, beats: int, arrangement: Sequence[str], off_beats: float = 0.0, pickup: float = 0.0
) -> list[Note]:
    """Return a bachata of so many beats.

    Parameters
    ----------
    beats
        Length, from the first downbeat on.
    arrangement
        Names out of ``SECTIONS``; they are repeated until the song is full.
    off_beats
        0 (the beats are louder, as usual) to 1 (what falls between the beats is much louder than the beats).
    pickup
        Beats before the first downbeat during which the requinto plays alone.
    """
    chords = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    bars_per_chord = int(rng.integers(1, 3))
    lengths = rng.choice([4, 8], p=[0.4, 0.6], size=200)
    plan = [name for turn, length in enumerate(lengths) for name in [arrangement[turn % len(arrangement)]] * length]
    rhythm = Rhythm(rng)
    notes = list(_pickup(rng, pickup, chords[0][1]))
    for bar in range(-(-beats // BAR)):
        chord = chords[bar // bars_per_chord % len(chords)]
        following = chords[(bar + 1) // bars_per_chord % len(chords)]
        notes += write_bar(rng, bar * BAR, SECTIONS[plan[bar]], chord, following, rhythm)
    inside = (note for note in notes if note.at_beat < beats)
    return [_accented(note, off_beats) for note in inside]


def write_bar(
    rng: np.random.Generator,
    start: int,
    section: tuple[str | None, str | None, str | None, float, float, float],
    chord: tuple[int, Sequence[int]],
    following: tuple[int, Sequence[int]],
    rhythm: Rhythm,
) -> Iterator[Note]:
    """Yield what a band plays in one bar.

    Parameters
    ----------
    start
        Its first beat.
    section
        One of ``SECTIONS``.
    chord, following
        Bass note and chord of this bar, and of the next.
    rhythm
        How this band plays its patterns.
    """
    guira, bongo, bass, segunda, requinto, voice = section
    if guira:
        yield from _strokes("guira", rhythm.guira[guira], start)
        yield from _strokes("kick", rhythm.kick, start)
    if bongo:
        yield from _strokes("high_bongo", rhythm.high_bongo[bongo], start)
        yield from _strokes("low_bongo", rhythm.low_bongo[bongo], start)
    if bass:
        yield from _bass(rhythm.bass[bass], start, chord[0] - 12, following[0] - 12)
    if segunda:
        yield from _segunda(rng, start, chord[1], segunda)
    yield from _melody(rng, "requinto", start, chord[1], requinto)
    yield from _melody(rng, "voice", start, chord[1], voice)


def _strokes(voice: str, pattern: str, start: int) -> Iterator[Note]:
    for quarter, stroke in enumerate(pattern):
        if stroke != ".":
            yield Note(voice, start + quarter / 4, 60, int(stroke) / 9, 0.25)


def _bass(pattern: str, start: int, root: int, next_root: int) -> Iterator[Note]:
    places = [quarter for quarter, step in enumerate(pattern) if step != "."]
    for place, after in zip(places, [*places[1:], len(pattern)], strict=True):
        # What is played on the last half beat is the next bar's root, early.
        base = next_root if place == len(pattern) - 2 else root
        step = {"1": 0, "3": 4, "5": 7, "8": 12}[pattern[place]]
        yield Note("bass", start + place / 4, base + step, 0.9, min((after - place) / 4, 1.8))


def _segunda(rng: np.random.Generator, start: int, chord: Sequence[int], loudness: float) -> Iterator[Note]:
    order = (chord[0], chord[1], chord[2], chord[1], chord[0] + 12, chord[2], chord[1], chord[2])
    for half, pitch in enumerate(order):
        if rng.random() < 0.93:
            yield Note("segunda", start + half / 2, pitch, loudness * (0.8 if half % 2 == 0 else 0.6), 1.0)


def _melody(rng: np.random.Generator, voice: str, start: int, chord: Sequence[int], loudness: float) -> Iterator[Note]:
    if not loudness:
        return
    grid = np.arange(8) / 2 if voice == "requinto" else np.array([0.0, 1.5, 2.0, 3.5])
    for place in grid[rng.random(len(grid)) < 0.55 * loudness]:
        pitch = int(rng.choice(chord)) + (12 if voice == "requinto" else 0) + int(rng.choice([0, 0, 2, -2]))
        yield Note(voice, start + float(place), pitch, loudness * rng.uniform(0.6, 1.0), float(rng.choice([0.5, 1.0])))


def _pickup(rng: np.random.Generator, beats: float, chord: Sequence[int]) -> Iterator[Note]:
    for half in range(round(2 * beats)):
        yield Note("requinto", -beats + half / 2, int(rng.choice(chord)) + 12, rng.uniform(0.7, 1.0), 0.5)


def _accented(note: Note, off_beats: float) -> Note:
    between = note.at_beat % 1 != 0
    gain = 1 + 0.8 * off_beats if between else 1 - 0.65 * off_beats
    return Note(note.voice, note.at_beat, note.pitch, note.loudness * gain, note.beats)

"""Bachatas in eights whose 1s are known: odd introductions, inserted bars, breaks, and what comes before the music."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bachateo.music.instruments import RATE_HZ, Sound
from tests.trials.hard_songs import FASTEST_BPM, LOUDEST, SLOWEST_BPM, HardSong, play, worn, write_with_truth
from tests.trials.score import BAR, PROGRESSIONS, SECTIONS, Note, Rhythm, write_bar

EIGHT = 2 * BAR
KINDS = (
    "even",
    "odd introduction",
    "inserted bar",
    "break of two beats",
    "drift",
    "ramp",
    "silence before",
    "applause before",
    "noise before",
    "rubato before",
    "noise",
    "low bit rate",
)
LOW_BIT_RATE = 32_000
# Sections and how many eights each lasts; what comes after the last begins at the second again.
FORMS = (
    (("intro", 4), ("derecho", 8), ("majao", 4), ("derecho", 4), ("mambo", 4)),
    (("lead-in", 2), ("derecho", 4), ("majao", 8), ("mambo", 4), ("break", 2)),
    (("mambo", 4), ("derecho", 8), ("break", 2), ("majao", 4)),
    (("intro", 2), ("majao", 8), ("stop", 2), ("derecho", 8), ("mambo", 4)),
)
REPEATED = 0.75  # how much of a melody is the same when it comes again
FILLS = 0.8  # how often the drums announce a new section
HALVES = 2 * EIGHT


@dataclass(frozen=True)
class Section:
    """A part of a song.

    Attributes
    ----------
    style
        One of ``SECTIONS``.
    bars
        How long it is.
    rest_beats
        Beats after it on which all are silent.
    """

    style: str
    bars: int
    rest_beats: int = 0

    @property
    def beats(self) -> int:
        """Length in beats, with the rest."""
        return self.bars * BAR + self.rest_beats


@dataclass(frozen=True)
class PhrasedSong(HardSong):
    """A song of sections; each begins with a 1.

    Attributes
    ----------
    ones, downbeats
        Indices in ``beats_s``. An odd bar at the end of a section has a downbeat and no 1.
    before_s
        How long something else sounds before the first beat's second of grace.
    """

    ones: tuple[int, ...] = ()
    downbeats: tuple[int, ...] = ()
    before_s: float = 0.0


def compose_phrased(kind: str, seed: int, *, seconds: float) -> PhrasedSong:
    """Draw a song in eights.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    seed
        Another seed, another song.
    seconds
        How long it lasts, about.
    """
    rng = np.random.default_rng([seed, KINDS.index(kind), 2])
    bpm = float(rng.uniform(SLOWEST_BPM, FASTEST_BPM))
    sections = tuple(_sections(rng, kind, int((seconds - 2.5) * bpm / 60)))
    count = sum(section.beats for section in sections)
    before_s = float(rng.uniform(1, 7)) if kind.endswith(" before") and kind != "rubato before" else 0.0
    beats_s = before_s + rng.uniform(0.3, 1.2) + np.concatenate(([0.0], np.cumsum(_intervals_s(rng, kind, bpm, count))))
    starts = np.cumsum([0, *(section.beats for section in sections)])
    ones, downbeats = (
        tuple(
            int(start) + at
            for start, section in zip(starts, sections, strict=False)
            for at in range(0, section.bars * BAR, step)
            # What is left of a section of an odd number of bars is too short for an eight.
            if step == BAR or at + EIGHT <= section.bars * BAR
        )
        for step in (EIGHT, BAR)
    )
    notes = tuple(_notes(rng, kind, sections, starts.tolist()))
    return PhrasedSong(kind, bpm, beats_s[:count], 0, notes, ones, downbeats, before_s)


def write_phrased_song(
    path: Path, kind: str, seed: int, *, seconds: float = 90.0, sound: Callable[[Note, float], Sound] | None = None
) -> PhrasedSong:
    """Write a song and, beside it as ``.json``, its true beats, downbeats and 1s.

    Parameters
    ----------
    path
        The sound file; its suffix names the format.
    kind, seed, seconds
        As for :func:`compose_phrased`.
    sound
        What plays a note, given how long a beat is; the synthesised instruments by default.
    """
    song = compose_phrased(kind, seed, seconds=seconds)
    rng = np.random.default_rng([seed, KINDS.index(kind), 3])
    samples = worn(play(song, rng, sound), kind, rng)
    samples[: round(song.before_s * RATE_HZ)] += _before(kind, round(song.before_s * RATE_HZ), rng)
    beats = [round(float(beat), 4) for beat in song.beats_s]
    truth: dict[str, object] = {
        "kind": kind,
        "bpm": round(song.bpm, 2),
        "beats": beats,
        "downbeats": [beats[at] for at in song.downbeats],
        "ones": [beats[at] for at in song.ones],
    }
    write_with_truth(path, samples, truth, bit_rate=LOW_BIT_RATE if kind == "low bit rate" else None)
    return song


def _sections(rng: np.random.Generator, kind: str, beats: int) -> Iterator[Section]:
    first, *others = FORMS[rng.integers(len(FORMS))]
    style, eights = first
    odd = int(rng.choice([-1, 1])) if kind == "odd introduction" else 0
    made = [Section("lead-in" if kind == "rubato before" else style, 2 * eights + odd)]
    changes = rng.permutation(np.arange(1, 4))[: rng.integers(1, 3)].tolist()
    while (left := (beats - sum(section.beats for section in made)) // EIGHT) > 0:
        style, eights = others[(len(made) - 1) % len(others)]
        section = Section(style, 2 * min(eights, left))
        if len(made) in changes and kind == "inserted bar":
            section = replace(section, bars=section.bars + 1)
        if len(made) in changes and kind == "break of two beats":
            section = replace(section, rest_beats=2)
        made.append(section)
    yield from made


def _notes(rng: np.random.Generator, kind: str, sections: tuple[Section, ...], starts: list[int]) -> Iterator[Note]:
    chords = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    bars_per_chord = int(rng.integers(1, 3))
    rhythm = Rhythm(rng)
    melodies: dict[str, _Melody] = {}
    for number, (section, start) in enumerate(zip(sections, starts, strict=False)):
        *rhythms, segunda, requinto, voice = SECTIONS[section.style]
        melody = melodies.setdefault(section.style, _Melody(rng, requinto, voice))
        alone = kind == "rubato before" and number == 0
        for bar in range(section.bars):
            at = start + bar * BAR
            chord, following = (chords[min(b, section.bars) // bars_per_chord % len(chords)] for b in (bar, bar + 1))
            playing = list(rhythms)
            if bar == section.bars - 1 and playing[1] and rng.random() < FILLS:
                playing[:2] = "mambo", "rolls"
            yield from write_bar(rng, at, (*playing, segunda, 0.0, 0.0), chord, following, rhythm)
            yield from melody.bar(rng, at, bar, chord[1])
        if number and not alone and rng.random() < FILLS:
            yield Note("kick", start, 60, 1.0)
            yield Note("guira", start, 60, 1.0)


class _Melody:
    """What requinto and voice play in a section: a call of eight beats and an answer, each time a little changed."""

    def __init__(self, rng: np.random.Generator, requinto: float, voice: float) -> None:
        self.loudness = {"requinto": requinto, "voice": voice}
        # Half beats; singers and requintos breathe at the end of the eight.
        likely = np.where(np.arange(HALVES) % 2, 0.4, 0.65) * np.where(np.arange(HALVES) >= HALVES - 4, 0.4, 1)
        self.motifs = [{voice: rng.random(HALVES) < likely for voice in self.loudness} for _ in range(2)]
        self.steps = [rng.integers(0, 3, HALVES) for _ in range(2)]

    def bar(self, rng: np.random.Generator, at: int, bar: int, chord: tuple[int, ...]) -> Iterator[Note]:
        which, half = bar // 2 % 2, bar % 2 * 2 * BAR
        for voice, loudness in self.loudness.items():
            for place in range(2 * BAR):
                played = self.motifs[which][voice][half + place]
                if rng.random() > REPEATED:
                    played = rng.random() < 0.4
                if loudness and played:
                    pitch = chord[self.steps[which][half + place]] + (12 if voice == "requinto" else 0)
                    yield Note(voice, at + place / 2, int(pitch), loudness * rng.uniform(0.6, 1.0), 0.5)


def _intervals_s(rng: np.random.Generator, kind: str, bpm: float, count: int) -> NDArray[np.float64]:
    tempo = np.full(count, bpm)
    beat = np.arange(count)
    if kind == "drift":
        tempo *= 1 + 0.04 * np.sin(2 * np.pi * (beat / rng.uniform(40, 160) + rng.random()))
    if kind == "ramp":
        tempo *= np.linspace(1, 1 + float(rng.choice([-1, 1])) * rng.uniform(0.05, 0.1), count)
    if kind == "rubato before":
        free = rng.normal(0, 0.12, EIGHT)
        tempo[:EIGHT] *= 0.9 + free
    tempo *= 1 + np.cumsum(rng.normal(0, 0.0004, count)).clip(-0.01, 0.01)
    intervals: NDArray[np.float64] = 60 / tempo + rng.normal(0, 0.001, count)
    return intervals


def _before(kind: str, count: int, rng: np.random.Generator) -> Sound:
    """Return what sounds before the music."""
    if kind == "applause before":
        # Hands: some hundred claps at any time.
        claps = np.zeros(count + RATE_HZ)
        clap = rng.normal(0, 1, RATE_HZ // 100) * np.exp(-np.arange(RATE_HZ // 100) / (RATE_HZ / 500))
        for at in rng.integers(0, max(count, 1), round(60 * count / RATE_HZ)):
            claps[at : at + len(clap)] += clap * rng.uniform(0.2, 1)
        return (0.1 * LOUDEST * claps[:count]).astype(np.float32)
    if kind == "noise before":
        return (rng.uniform(0.003, 0.03) * rng.normal(0, 1, count)).astype(np.float32)
    return np.zeros(count, np.float32)

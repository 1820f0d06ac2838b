"""A bachata of our own, so that a fresh machine has a song whose beats are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bachateo.errors import SongError
from bachateo.files import written_aside
from bachateo.music.instruments import RATE_HZ, Sound, bass, bongo, guira, pluck
from bachateo.music.recording import write_sound

START_S = 0.5
SHORTEST_S = 10.0
# A minor, F, C, G: root of the bass and the chord above it, one bar each.
CHORDS = ((45, (57, 60, 64)), (41, (57, 60, 65)), (48, (55, 60, 64)), (43, (55, 59, 62)))
SCALE = (64, 67, 69, 72, 74, 76, 79, 81)  # A minor pentatonic, for the requinto
BAR = 4
SECTION_BARS = 8
LOUDEST = 0.89  # -1 dB of full scale


@dataclass(frozen=True)
class Truth:
    """Where the beats of a synthesised song are, in seconds."""

    name: str
    bpm: float
    beats: tuple[float, ...]
    downbeats: tuple[float, ...]


def write_demo_song(path: Path, *, seconds: float = 60.0, bpm: float = 126.0, seed: int = 0) -> Truth:
    """Write a synthesised bachata and, beside it as ``.json``, its true beats.

    Parameters
    ----------
    path
        The sound file; its suffix names the format.
    seconds
        How long the song lasts.
    bpm
        Beats per minute, 95 to 175.
    seed
        Another seed, another melody.

    Raises
    ------
    SongError
        The length or the tempo is no bachata's.
    """
    if not seconds >= SHORTEST_S or not 95 <= bpm <= 175:  # noqa: PLR2004
        raise SongError(
            "CH011", f"a demo song of {seconds} s at {bpm} bpm: choose {SHORTEST_S:.0f} s or more, and 95 to 175 bpm."
        )
    beats_s = np.arange(START_S, seconds - 1.5, 60 / bpm)
    song = _mix(beats_s, seconds, np.random.default_rng(seed))
    write_sound(path, song, rate_hz=RATE_HZ)
    rounded = tuple(round(float(beat), 4) for beat in beats_s)
    truth = Truth(path.stem, bpm, rounded, rounded[::BAR])
    with written_aside(path.with_suffix(".json")) as aside:
        aside.write_text(json.dumps(asdict(truth)))
    return truth


class _Tape:
    """Two channels to which sounds are added at a time."""

    def __init__(self, seconds: float) -> None:
        self.channels = np.zeros((2, int(seconds * RATE_HZ)), np.float32)

    def add(self, sound: Sound, at_s: float, volume: float, pan: float = 0.0) -> None:
        start = round(at_s * RATE_HZ)
        part = sound[: max(0, self.channels.shape[1] - start)]
        for channel, gain in zip(self.channels, (1 - pan, 1 + pan), strict=True):
            channel[start : start + len(part)] += part * np.float32(volume * gain)


def _mix(beats_s: NDArray[np.float64], seconds: float, rng: np.random.Generator) -> Sound:
    tape = _Tape(seconds)
    beat_s = float(beats_s[1] - beats_s[0])
    for number, at_s in enumerate(beats_s):
        bar, place = divmod(number, BAR)
        section = bar // SECTION_BARS
        root, chord = CHORDS[bar % len(CHORDS)]
        _play_rhythm(tape, at_s, beat_s, place, lively=section % 2 == 1)
        _play_bass(tape, at_s, beat_s, place, root)
        _play_guitar(tape, at_s, beat_s, place, chord)
        # The requinto answers in the second half of every phrase, and leads in every second section.
        if section % 2 == 1 or bar % 4 >= 2:  # noqa: PLR2004
            _play_melody(tape, at_s, beat_s, chord, rng)
    _play_ending(tape, float(beats_s[-1]) + beat_s)
    loudest = np.abs(tape.channels).max()
    tape.channels *= LOUDEST / loudest
    return tape.channels


def _play_rhythm(tape: _Tape, at_s: float, beat_s: float, place: int, *, lively: bool) -> None:
    # The bongo's martillo: eight strokes to the bar, the low drum open on 4.
    tape.add(bongo(high=True, open_hand=place == 0), at_s, 0.34 if place == 0 else 0.22, -0.35)
    if place == BAR - 1:
        tape.add(bongo(high=False, open_hand=True), at_s, 0.5, -0.35)
    tape.add(bongo(high=place != BAR - 1, open_hand=False), at_s + beat_s / 2, 0.15, -0.35)
    tape.add(guira(long_stroke=True), at_s, 0.20, 0.4)
    for part in (0.5, 0.75):
        tape.add(guira(long_stroke=False), at_s + part * beat_s, 0.13 if lively else 0.09, 0.4)


def _play_bass(tape: _Tape, at_s: float, beat_s: float, place: int, root: int) -> None:
    # Bachata's bass rests on 2: long 1, then 3 and 4.
    notes = {0: (root, 1.8), 2: (root + 7, 0.9), 3: (root + 12, 0.8)}
    if place in notes:
        note, beats = notes[place]
        tape.add(bass(note - 12, round(beats * beat_s, 4)), at_s, 0.55)


def _play_guitar(tape: _Tape, at_s: float, beat_s: float, place: int, chord: Sequence[int]) -> None:
    # The segunda breaks the chord into quavers, up and down.
    order = (chord[0], chord[1], chord[2], chord[1], chord[0] + 12, chord[2], chord[1], chord[2])
    for half in (0, 1):
        note = order[2 * place + half]
        volume = 0.30 if half == 0 else 0.20
        tape.add(pluck(note, round(beat_s * 1.5, 4), 0.4), at_s + half * beat_s / 2, volume, 0.25)


def _play_melody(tape: _Tape, at_s: float, beat_s: float, chord: Sequence[int], rng: np.random.Generator) -> None:
    for half in (0, 1):
        if rng.random() < (0.85 if half == 0 else 0.6):
            near = [note for note in SCALE if any((note - own) % 12 == 0 for own in chord)] if half == 0 else SCALE
            note = int(rng.choice(near))
            tape.add(pluck(note, round(beat_s * 1.2, 4), 0.85), at_s + half * beat_s / 2, 0.26, -0.1)


def _play_ending(tape: _Tape, at_s: float) -> None:
    root, chord = CHORDS[0]
    tape.add(bass(root - 12, 1.4), at_s, 0.5)
    for number, note in enumerate((*chord, chord[0] + 12)):
        tape.add(pluck(note, 1.5, 0.5), at_s + 0.03 * number, 0.3)

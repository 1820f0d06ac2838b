"""Bachatas that are hard to hear, with their true beats: what the beat tracker is measured on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bachateo.files import written_aside
from bachateo.music.instruments import RATE_HZ, Sound, bass, bongo, guira, kick, pluck, sung
from bachateo.music.recording import write_sound
from tests.trials.score import ARRANGEMENTS, BAR, Note, write_score

SLOWEST_BPM, FASTEST_BPM = 104, 152
KINDS = ("plain", "off-beat", "pickup", "drift", "step", "noise", "worn", "bare", "off-beat in noise")
LOUDEST = 0.89  # -1 dB of full scale
# How the instruments are mixed: volume of each.
# What is left of a band when the others rest.
BARE = (
    ("guira", "high_bongo", "low_bongo"),
    ("segunda", "requinto"),
    ("segunda", "requinto", "voice", "bass"),
    ("guira", "high_bongo", "low_bongo", "bass"),
    ("guira", "segunda"),
)
MIXES = {
    "acoustic": {"guira": 0.2, "high_bongo": 0.3, "low_bongo": 0.45, "kick": 0.3, "bass": 0.5, "segunda": 0.3},
    "guitars": {"guira": 0.1, "high_bongo": 0.15, "low_bongo": 0.25, "kick": 0.1, "bass": 0.35, "segunda": 0.5},
    "urban": {"guira": 0.15, "high_bongo": 0.25, "low_bongo": 0.35, "kick": 0.6, "bass": 0.8, "segunda": 0.25},
    "bright": {"guira": 0.4, "high_bongo": 0.35, "low_bongo": 0.3, "kick": 0.2, "bass": 0.25, "segunda": 0.3},
}


@dataclass(frozen=True)
class HardSong:
    """What makes a song hard, drawn from its kind and seed.

    Attributes
    ----------
    kind
        One of ``KINDS``: the main difficulty. The others come along, milder.
    bpm
        Tempo at the beginning.
    beats_s
        When each beat is, from the first of the pickup on.
    first_downbeat
        Index of the first downbeat in ``beats_s``.
    notes
        The score, in beats from the first downbeat.
    """

    kind: str
    bpm: float
    beats_s: NDArray[np.float64]
    first_downbeat: int
    notes: tuple[Note, ...]

    def time_s(self, at_beat: float) -> float:
        """Return when a place in beats from the first downbeat is, in seconds."""
        numbers = np.arange(len(self.beats_s)) - self.first_downbeat
        if at_beat < numbers[0]:
            return float(self.beats_s[0] + (at_beat - numbers[0]) * (self.beats_s[1] - self.beats_s[0]))
        if at_beat > numbers[-1]:
            return float(self.beats_s[-1] + (at_beat - numbers[-1]) * (self.beats_s[-1] - self.beats_s[-2]))
        return float(np.interp(at_beat, numbers, self.beats_s))


def compose(kind: str, seed: int, *, seconds: float, arrangements: tuple[int, ...] | None = None) -> HardSong:
    """Draw a hard song.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    seed
        Another seed, another song.
    seconds
        How long it lasts, about.
    arrangements
        Indices into ``ARRANGEMENTS`` to choose from; all of them by default.
    """
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    bpm = float(rng.uniform(SLOWEST_BPM, FASTEST_BPM))
    pickup = float(rng.choice([1, 1.5, 2, 2.5, 3])) if kind == "pickup" else 0.0
    first = int(pickup)
    count = int((seconds - 2.5) * bpm / 60)
    beats_s = rng.uniform(0.3, 1.2) + np.concatenate(([0.0], np.cumsum(_intervals_s(rng, kind, bpm, count - 1))))
    numbers = arrangements or tuple(range(len(ARRANGEMENTS)))
    arrangement = ARRANGEMENTS[numbers[rng.integers(len(numbers))]]
    if kind.startswith("off-beat"):
        arrangement = ("off-beat", *arrangement[1:])
    off_beats = float(rng.uniform(0.4, 1.0)) if kind.startswith("off-beat") else float(rng.uniform(0, 0.15))
    notes = write_score(rng, beats=count - first, arrangement=arrangement, off_beats=off_beats, pickup=pickup)
    if kind == "bare":
        left = BARE[rng.integers(len(BARE))]
        notes = [note for note in notes if note.voice in left]
    return HardSong(kind, bpm, beats_s, first, tuple(notes))


def write_hard_song(
    path: Path, kind: str, seed: int, *, seconds: float = 60.0, sound: Callable[[Note, float], Sound] | None = None
) -> HardSong:
    """Write a hard song and, beside it as ``.json``, its true beats and downbeats.

    Parameters
    ----------
    path
        The sound file; its suffix names the format.
    kind, seed, seconds
        As for :func:`compose`.
    sound
        As for :func:`play`.
    """
    song = compose(kind, seed, seconds=seconds)
    rng = np.random.default_rng([seed, KINDS.index(kind), 1])
    write_with_truth(path, worn(play(song, rng, sound), kind, rng), truth(song))
    return song


def write_with_truth(path: Path, samples: Sound, true: dict[str, object], *, bit_rate: int | None = None) -> None:
    """Write a song and, beside it as ``.json``, what is true of it.

    Parameters
    ----------
    path
        The sound file; its suffix names the format.
    samples
        At ``RATE_HZ``.
    true
        Its beats in seconds and more, for JSON.
    bit_rate
        As for :func:`bachateo.music.recording.write_sound`.
    """
    write_sound(path, samples, rate_hz=RATE_HZ, bit_rate=bit_rate)
    with written_aside(path.with_suffix(".json")) as aside:
        aside.write_text(json.dumps({"name": path.stem, **true}))


def truth(song: HardSong) -> dict[str, object]:
    """Return what is true of a song, for JSON."""
    # Where only part of a band plays, the first bars may be silent: their beats cannot be heard.
    sounding = [note.at_beat + song.first_downbeat for note in song.notes]
    first = max(0, math.floor(min(sounding)))
    beats = [round(float(beat), 4) for beat in song.beats_s]
    return {
        "kind": song.kind,
        "bpm": round(song.bpm, 2),
        "tempo": round(60 / float(np.median(np.diff(song.beats_s))), 3),
        "beats": beats[first:],
        "downbeats": [beats[at] for at in range(song.first_downbeat, len(beats), BAR) if at >= first],
    }


def play(song: HardSong, rng: np.random.Generator, sound: Callable[[Note, float], Sound] | None = None) -> Sound:
    """Play a song on the instruments of one of ``MIXES``, as people do: not quite in time.

    Parameters
    ----------
    song
        What is played.
    rng
        Decides how.
    sound
        What plays a note, given how long a beat is; the synthesised instruments by default.
    """
    mix = {"requinto": 0.3, "voice": 0.3} | MIXES[str(rng.choice(list(MIXES)))]
    brightness = float(rng.uniform(0.2, 0.9))
    loose_s = float(rng.uniform(0.001, 0.006))
    samples = np.zeros(int((song.beats_s[-1] + 2.5) * RATE_HZ), np.float32)
    for note in song.notes:
        beat_s = song.time_s(note.at_beat + 1) - song.time_s(note.at_beat)
        played = sound(note, beat_s) if sound else _sound(note, round(beat_s, 1), brightness)
        start = max(0, round((song.time_s(note.at_beat) + rng.normal(0, loose_s)) * RATE_HZ))
        part = played[: len(samples) - start]
        samples[start : start + len(part)] += part * np.float32(note.loudness * mix[note.voice])
    return samples * np.float32(LOUDEST / np.abs(samples).max())


def worn(samples: Sound, kind: str, rng: np.random.Generator) -> Sound:
    """Return what a bad room, a bad recording or a bad copy leaves of a song."""
    if kind.endswith("noise"):
        noise = rng.normal(0, 1, len(samples))
        if rng.random() < 0.5:
            # Rumble and hiss: as much in every octave.
            noise = np.fft.irfft(np.fft.rfft(noise) / np.sqrt(np.arange(len(noise) // 2 + 1) + 1), len(noise))
        noise -= noise.mean()
        ratio_db = rng.uniform(3, 15)
        noise *= samples.std() / noise.std() * 10 ** (-ratio_db / 20)
        samples = samples + noise.astype(np.float32)
    if kind == "worn":
        tail_s = rng.uniform(0.2, 0.6)
        t = np.arange(int(2 * tail_s * RATE_HZ)) / RATE_HZ
        room = rng.normal(0, 1, len(t)) * np.exp(-t * 3 / tail_s)
        size = 1 << (len(samples) + len(room)).bit_length()
        echo = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(room, size), size)[: len(samples)]
        samples = samples + (0.6 * samples.std() / echo.std() * echo).astype(np.float32)
        samples = np.clip(samples * rng.uniform(1.5, 4), -1, 1).astype(np.float32)
    return (samples * np.float32(LOUDEST / np.abs(samples).max())).astype(np.float32)


def _intervals_s(rng: np.random.Generator, kind: str, bpm: float, count: int) -> NDArray[np.float64]:
    tempo = np.full(count, bpm)
    beat = np.arange(count)
    if kind == "drift":
        tempo *= 1 + 0.04 * np.sin(2 * np.pi * (beat / rng.uniform(40, 160) + rng.random()))
    if kind == "step":
        for at in rng.uniform(0.15, 0.85, int(rng.integers(1, 4))) * count:
            tempo[int(at) // 8 * 8 :] *= 1 + rng.choice([-1, 1]) * rng.uniform(0.03, 0.08)
    tempo *= 1 + np.cumsum(rng.normal(0, 0.0004, count)).clip(-0.01, 0.01)
    intervals: NDArray[np.float64] = 60 / tempo + rng.normal(0, 0.001, count)
    return intervals


def _sound(note: Note, beat_s: float, brightness: float) -> Sound:
    length_s = round(max(0.1, note.beats * beat_s), 1)
    sounds: dict[str, Callable[[], Sound]] = {
        "guira": lambda: guira(long_stroke=note.loudness > 0.6),
        "high_bongo": lambda: bongo(high=True, open_hand=note.loudness > 0.7),
        "low_bongo": lambda: bongo(high=False, open_hand=note.loudness > 0.6),
        "kick": kick,
        "bass": lambda: bass(note.pitch, length_s),
        "segunda": lambda: pluck(note.pitch, length_s, round(brightness * 0.6, 1)),
        "requinto": lambda: pluck(note.pitch, length_s, round(brightness, 1)),
        "voice": lambda: sung(note.pitch, length_s),
    }
    return sounds[note.voice]()

"""The proof of sync: flashes on the beats of the clips, clicks on the beats of the song, compared as decoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bachateo.moves import Library, Move
from bachateo.moves.drawing.encoding import FRAMES_PER_BEAT, encode_clip, frame_rate
from bachateo.music.instruments import pluck
from bachateo.music.recording import write_sound
from bachateo.sequence import Plan

SIZE = (128, 72)
Array = NDArray[np.float64]

FRAME_S = 0.034  # at 30 pictures a second
BEATS = 8
TEMPI_BPM = (112, 120, 128, 140)
RATE_HZ = 44_100
BAR = 4
LOUD = 0.2
# Each stroke by its pitch: a bare click, and a string that is plucked and damped.
SOUNDS: dict[str, Callable[[float, Array], Array]] = {
    "click": lambda pitch_hz, t: np.sin(2 * np.pi * pitch_hz * t) * np.exp(-t / 0.006),
    "pluck": lambda pitch_hz, _t: pluck(76 if pitch_hz > 1200 else 69, 0.15, 0.7).astype(np.float64),
}
WHITE = 128


def flash_library(folder: Path, tempi_bpm: Sequence[int] = TEMPI_BPM) -> Library:
    """Make clips that are black, but for one white picture on every beat.

    There are three moves at each tempo, since none is danced again soon. The pictures lie on the beats, so what
    is measured is where the beat of a clip comes in the song, not between which two pictures it was filmed.
    """
    moves = tuple(_flash_clip(folder, f"{name}_{bpm}", bpm) for bpm in tempi_bpm for name in ("one", "two", "three"))
    library = Library(folder, moves)
    library.save()
    return library


def _flash_clip(folder: Path, name: str, tempo_bpm: int) -> Move:
    count = BEATS * FRAMES_PER_BEAT
    black, white = (Image.new("RGB", SIZE, level) for level in ("black", "white"))
    pictures = (black if frame % FRAMES_PER_BEAT else white for frame in range(count))
    shown = encode_clip(pictures, folder / f"{name}.mp4", size=SIZE, tempo_bpm=tempo_bpm)
    return Move(
        clip_id=name,
        move_label=name,
        difficulty="beginner",
        energy_level="medium",
        lead_follow_roles="both",
        estimated_tempo=tempo_bpm,
        quality_score=1.0,
        frame_count=shown,
        video_path=f"{name}.mp4",
        version="flashes",
        beats=BEATS,
        beats_s=tuple(float(beat * FRAMES_PER_BEAT / frame_rate(tempo_bpm)) for beat in range(BEATS + 1)),
    )


def write_clicks(path: Path, times_s: Sequence[float] | Array, seconds: float, *, sound: str = "click") -> None:
    """Write a song of one kind of stroke at the given times; every fourth is higher.

    Parameters
    ----------
    path
        The sound file.
    times_s
        When each begins, in seconds.
    seconds
        How long the song is.
    sound
        One of ``SOUNDS``.
    """
    t = np.arange(int(0.03 * RATE_HZ)) / RATE_HZ
    high, low = (SOUNDS[sound](pitch_hz, t) for pitch_hz in (1600, 1000))
    samples = np.zeros(int(seconds * RATE_HZ), np.float32)
    for number, time_s in enumerate(times_s):
        stroke = high if number % BAR == 0 else low
        start = round(time_s * RATE_HZ)
        samples[start : start + len(stroke)] += 0.8 * stroke
    write_sound(path, samples, rate_hz=RATE_HZ)


def drifting_beats(tempo_bpm: float, seconds: float) -> Array:
    """Return beats whose tempo drifts by three per cent, as a band's does, from 0.7 s to a second before the end."""
    times, at_s = [], 0.7
    while at_s < seconds - 1:
        times.append(at_s)
        at_s += 60 / (tempo_bpm * (1 + 0.03 * np.sin(at_s / 7)))
    return np.array(times)


def distances_s(video: Path, plan: Plan) -> Array:
    """Return how far after each click of a finished video the nearest flash comes, in seconds.

    Only clicks within the moves are counted: the first picture is shown from the beginning, so its flash has no time,
    and after the last move the dancers stand.
    """
    flashes, clicks = _flashes_s(video), _clicks_s(video)
    last = plan.moves[-1]
    final_beat = min(last.first_beat + last.move.beats, len(plan.analysis.beats_s)) - 1
    first_s, final_s = plan.moves[0].start_s + FRAME_S, plan.analysis.beats_s[final_beat] + FRAME_S
    inside = clicks[(clicks > first_s) & (clicks < final_s)]
    return np.array([flashes[np.abs(flashes - click).argmin()] - click for click in inside])


def _flashes_s(video: Path) -> Array:
    with av.open(str(video)) as container:
        shown = [(frame.time or 0.0, frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]
    return np.array([time for time, level in shown if level > WHITE])


def _clicks_s(video: Path) -> Array:
    with av.open(str(video)) as container:
        stream = container.streams.audio[0]
        parts = [(frame.time or 0.0, frame.to_ndarray().mean(axis=0)) for frame in container.decode(stream)]
        rate_hz = stream.rate
    start = round(parts[0][0] * rate_hz)
    loud = np.flatnonzero(np.abs(np.concatenate([part for _, part in parts])) > LOUD) + start
    onsets: Array = loud[np.diff(loud, prepend=-rate_hz) > 0.1 * rate_hz] / rate_hz
    return onsets

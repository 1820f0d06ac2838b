"""What a drawn move looks and sounds like, known exactly: no model has to find the dancers in its pictures."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bachateo.moves.drawing.body import Body
from bachateo.moves.drawing.camera import Camera
from bachateo.moves.drawing.footwork import LEFT, RIGHT
from bachateo.moves.drawing.pattern import Pattern
from bachateo.moves.drawing.scene import Scene
from bachateo.moves.poses import Track
from bachateo.moves.vectors.motion import MOMENTS
from bachateo.moves.vectors.sound import Vector, describe_sound
from bachateo.music.demo import BAR, SECTION_BARS, START_S, write_demo_song
from bachateo.music.song import SAMPLE_RATE_HZ, read_song

SIZE = (1920, 1080)  # any; a track is normalised
# The demo song plays a section softly and the next one in a lively way; a medium energy hears both.
SECTIONS = {"low": (0, 1), "medium": (0, 2), "high": (1, 2)}
ENDING_S = 3.0


def scene_track(pattern: Pattern) -> Track:
    """Return the poses of a move as the camera sees them, in pixels."""
    scene, camera = Scene(pattern, SIZE), Camera(*SIZE)
    couples = [scene.couple(beat) for beat in np.linspace(0, pattern.beats, MOMENTS + 1)]
    return np.array([[camera.points(_joints(body)) for body in couple] for couple in couples])


@lru_cache(maxsize=16)
def silent_move_sound(tempo_bpm: int, energy: str) -> Vector:
    """Return the sound vector of what a drawn move would be danced to, since it has no sound of its own.

    Two sections, of eight bars each, of the demo song at this tempo: the first for ``low`` energy, the second, with a
    melody and a lively güira, for ``high``, both for ``medium``.
    """
    section_s = SECTION_BARS * BAR * 60 / tempo_bpm
    samples = _demo_samples(tempo_bpm, START_S + 2 * section_s + ENDING_S)
    first, end = (round((START_S + section * section_s) * SAMPLE_RATE_HZ) for section in SECTIONS[energy])
    return describe_sound(samples[first:end])


@lru_cache(maxsize=4)
def _demo_samples(tempo_bpm: int, seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    with TemporaryDirectory(prefix="bachateo-") as place:
        path = Path(place, "demo.wav")
        write_demo_song(path, seconds=seconds, bpm=tempo_bpm)
        return read_song(path).samples


def _joints(body: Body) -> Track:
    pairs = (body.shoulder, body.elbow, body.hand, body.hips, body.knees, body.ankles)
    return np.array([body.head, *(pair[side] for pair in pairs for side in (LEFT, RIGHT))])

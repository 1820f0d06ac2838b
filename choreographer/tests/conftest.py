"""Media that the tests make for themselves: songs with known beats, small libraries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from choreographer.moves import Library, Move
from choreographer.moves.drawing.encoding import FRAMES_PER_BEAT, encode_clip, frame_rate
from choreographer.moves.drawing.repertoire import REPERTOIRE
from choreographer.moves.starter import draw_starter
from choreographer.music import Analysis
from choreographer.music.demo import Truth, write_demo_song
from choreographer.music.recording import write_sound

SMALL = (128, 72)
FEW = ("side basic", "right turn", "circle", "sway", "box step", "intro", "outro")

MakeMove = Callable[..., Move]


@dataclass(frozen=True)
class Demo:
    """A synthesised song and its true beats."""

    path: Path
    truth: Truth
    seconds: float


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    path = tmp_path_factory.mktemp("song") / "demo.mp3"
    return Demo(path, write_demo_song(path, seconds=30, bpm=124), 30)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Some moves of the starter library, drawn small and at one tempo."""
    few = [pattern for pattern in REPERTOIRE if pattern.label in FEW]
    return draw_starter(tmp_path_factory.mktemp("drawn"), size=SMALL, tempi_bpm=(128,), repertoire=few)


@pytest.fixture
def make_move() -> MakeMove:
    def make(clip_id: str, *, label: str | None = None, tempo: float = 128, beats: int = 8, **fields: object) -> Move:
        known = {
            "difficulty": "beginner",
            "energy_level": "medium",
            "lead_follow_roles": "both",
            "quality_score": 1.0,
            "frame_count": beats * FRAMES_PER_BEAT,
            "video_path": f"{clip_id}.mp4",
            "version": "test",
            "beats_s": tuple(beat * 60 / tempo for beat in range(beats + 1)),
        }
        return Move(
            clip_id=clip_id, move_label=label or clip_id, estimated_tempo=tempo, beats=beats, **{**known, **fields}
        )

    return make


@pytest.fixture
def make_analysis() -> Callable[..., Analysis]:
    def make(eight_counts: int = 12, tempo: float = 128, energy: Sequence[float] | None = None) -> Analysis:
        beats_s = tuple(0.5 + beat * 60 / tempo for beat in range(eight_counts * 8 + 4))
        return Analysis(
            duration_s=beats_s[-1] + 0.3,
            tempo_bpm=tempo,
            beats_s=beats_s,
            first_count=1,
            energy=tuple(energy or [0.5] * eight_counts),
        )

    return make


@pytest.fixture
def flashes(tmp_path: Path, make_move: MakeMove) -> Library:
    """Clips that are black, but for one white picture on every beat."""
    black, white = (Image.new("RGB", SMALL, level) for level in ("black", "white"))
    moves = []
    for name, tempo in (("one", 120), ("two", 120), ("three", 128), ("four", 120), ("five", 128)):
        move = make_move(
            name,
            tempo=tempo,
            beats_s=tuple(float(beat * FRAMES_PER_BEAT / frame_rate(tempo)) for beat in range(9)),
        )
        pictures = (black if frame % FRAMES_PER_BEAT else white for frame in range(8 * FRAMES_PER_BEAT))
        encode_clip(pictures, tmp_path / "flashes" / move.video_path, size=SMALL, tempo_bpm=tempo)
        moves.append(move)
    library = Library(tmp_path / "flashes", tuple(moves))
    library.save()
    return library


@pytest.fixture
def clicks(tmp_path: Path) -> Callable[[Sequence[float], float], Path]:
    """Write a song of clicks at the given times; every fourth is higher."""

    def write(times_s: Sequence[float], seconds: float) -> Path:
        rate = 44_100
        t = np.arange(int(0.03 * rate)) / rate
        samples = np.zeros(int(seconds * rate), np.float32)
        for number, time_s in enumerate(times_s):
            pitch = 1600 if number % 4 == 0 else 1000
            start = round(time_s * rate)
            samples[start : start + len(t)] += 0.8 * np.sin(2 * np.pi * pitch * t) * np.exp(-t / 0.006)
        path = tmp_path / "clicks.wav"
        write_sound(path, samples, rate_hz=rate)
        return path

    return write

"""Media that the tests make for themselves: songs with known beats, small libraries."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bachateo.moves import Library, Move
from bachateo.moves.drawing.encoding import FRAMES_PER_BEAT
from bachateo.moves.drawing.repertoire import REPERTOIRE
from bachateo.moves.starter import draw_starter
from bachateo.music import Analysis
from bachateo.music.demo import Truth, write_demo_song
from tests.trials.sync import flash_library, write_clicks

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


@pytest.fixture(scope="session")
def flashes_once(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return flash_library(tmp_path_factory.mktemp("flashes"), (120, 128))


@pytest.fixture
def flashes(flashes_once: Library, tmp_path: Path) -> Library:
    """Clips that are black, but for one white picture on every beat; the test may harm them."""
    shutil.copytree(flashes_once.folder, tmp_path / "flashes")
    return Library.load(tmp_path / "flashes")


@pytest.fixture
def clicks(tmp_path: Path) -> Callable[[Sequence[float], float], Path]:
    """Write a song of clicks at the given times; every fourth is higher."""

    def write(times_s: Sequence[float], seconds: float) -> Path:
        write_clicks(tmp_path / "clicks.wav", times_s, seconds)
        return tmp_path / "clicks.wav"

    return write

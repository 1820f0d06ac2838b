"""Films that the tests make: a synthesised bachata, two bars, flashes on the beats, B-frames, one keyframe."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from bachateo.moves import Library
from bachateo.moves.ingest import Report, ingest
from bachateo.music.demo import write_demo_song
from bachateo.music.instruments import RATE_HZ

BPM = 150
SIZE, BAR = (160, 90), 20
RATE = 30

MakeFilm = Callable[..., "TrueFilm"]


@dataclass(frozen=True)
class TrueFilm:
    """A film and its true beats."""

    path: Path
    beats_s: tuple[float, ...]
    first_count: int  # of a 1 among them, or of a 5


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> tuple[NDArray[np.float32], tuple[float, ...]]:
    """A bachata, ``(2, samples)`` at ``RATE_HZ``, and its beats; every fourth is a downbeat."""
    path = tmp_path_factory.mktemp("music") / "music.wav"
    truth = write_demo_song(path, seconds=30, bpm=BPM, seed=1)
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE_HZ)
    with av.open(str(path)) as sound:
        parts = [part.to_ndarray() for frame in sound.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(parts, axis=1), truth.beats


@pytest.fixture(scope="session")
def make_film(music: tuple[NDArray[np.float32], tuple[float, ...]]) -> MakeFilm:
    """Write a film that begins ``lead_s`` before the ``from_beat``-th beat of the music."""

    def make(
        path: Path,
        *,
        from_beat: int = 3,
        lead_s: float = 0.11,
        seconds: float = 5.4,
        size: tuple[int, int] = SIZE,
        bar: int = BAR,
        bar_colour: int = 255,
        sound: NDArray[np.float32] | None = None,
        silent: bool = False,
        late_s: float = 0.0,
        rate: int = RATE,
    ) -> TrueFilm:
        samples, beats_s = music
        start_s = beats_s[from_beat] - lead_s
        own_s = tuple(beat - start_s for beat in beats_s if 0 <= beat - start_s < seconds)
        if sound is None:
            sound = samples[:, round(start_s * RATE_HZ) :][:, : round(seconds * RATE_HZ)]
        # Pictures may begin after the sound, as cameras write it.
        shown = [(number, number / rate + late_s) for number in range(round((seconds - late_s) * rate))]
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w", format="mp4") as out:
            options = {
                "preset": "veryfast",
                "crf": "20",
                "x264-params": "bframes=2:b-adapt=0:keyint=600:scenecut=0:threads=1",
            }
            pictures = out.add_stream("libx264", rate=rate, options=options)
            pictures.width, pictures.height = size
            pictures.pix_fmt = "yuv420p"
            track = None if silent else out.add_stream("aac", rate=48_000, layout="stereo")
            for number, time_s in shown:
                flash = any(0 <= time_s - beat + 0.5 / rate < 1 / rate for beat in own_s)
                frame = av.VideoFrame.from_ndarray(_picture(number, size, bar, bar_colour, flash), format="rgb24")
                frame.pts, frame.time_base = number + round(late_s * rate), Fraction(1, rate)
                out.mux(pictures.encode(frame))
            out.mux(pictures.encode(None))
            if track is not None:
                block = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound, np.float32), "fltp", "stereo")
                block.sample_rate, block.pts = RATE_HZ, 0
                out.mux(track.encode(block))
                out.mux(track.encode(None))
        return TrueFilm(path, own_s, -from_beat % 4)

    return make


def _picture(number: int, size: tuple[int, int], bar: int, bar_colour: int, flash: bool) -> NDArray[np.uint8]:
    width, height = size
    texture = np.random.default_rng(5).integers(20, 120, (height // 6 + 1, width // 6 + 9)).repeat(6, 0).repeat(6, 1)
    content = texture[:height, number % 40 :][:, : width - 2 * bar] + (120 if flash else 0)
    picture = np.full((height, width, 3), bar_colour, np.uint8)
    picture[:, bar : width - bar] = content[:, :, None]
    return picture


@pytest.fixture(scope="session")
def annotation() -> Callable[..., dict[str, Any]]:
    """Return an annotation of ``clip_id``.mp4."""
    return _annotation


@pytest.fixture(scope="session")
def write_annotations() -> Callable[[Path, Sequence[Any]], Path]:
    """Write an annotation file into a folder."""
    return _write_annotations


def _annotation(clip_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "clip_id": clip_id,
        "video_path": f"{clip_id}.mp4",
        "move_label": clip_id,
        "energy_level": "medium",
        "difficulty": "low",
        "estimated_tempo": BPM,
        **fields,
    }


def _write_annotations(folder: Path, clips: Sequence[Any]) -> Path:
    path = folder / "annotations.json"
    path.write_text(json.dumps({"clips": list(clips)}, indent=1), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Ingested:
    """Films, and the library made of them."""

    films: dict[str, TrueFilm]
    annotations: Path
    library: Library
    report: Report


@pytest.fixture(scope="session")
def ingested(tmp_path_factory: pytest.TempPathFactory, make_film: MakeFilm) -> Ingested:
    """An intro, two moves and an outro, that begin on different counts. Not to be written to."""
    folder = tmp_path_factory.mktemp("films")
    films = {
        "opening": make_film(folder / "opening.mp4", from_beat=0, lead_s=0.4),
        "basic": make_film(folder / "basic.mp4", from_beat=3, lead_s=0.11),
        "turn": make_film(folder / "turn.mp4", from_beat=6, lead_s=0.02, bar_colour=0, seconds=12.6),
        "ending": make_film(folder / "ending.mp4", from_beat=9, lead_s=0.25, bar=0, size=(120, 90), seconds=8.9),
    }
    clips = [
        _annotation("opening", move_label="intros"),
        _annotation("basic", description="side basic", wardrobe="red", quality_score=0.8),
        _annotation("turn", difficulty="high", energy_level="high"),
        _annotation("ending", move_label="outro", estimated_tempo=90),
    ]
    out = tmp_path_factory.mktemp("library")
    report = ingest(folder, _write_annotations(folder, clips), out, height=90)
    return Ingested(films, folder / "annotations.json", Library.load(out), report)

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from bachateo.errors import SearchError
from bachateo.moves.vectors import measured
from bachateo.moves.vectors.measured import Measured, measure_clip, measured_path, read_measured, write_measured
from bachateo.music.demo import write_demo_song
from bachateo.music.song import read_song

BEATS_S = tuple(number * 0.5 for number in range(9))


class _Model:
    """A pose model that finds dancers in every picture, and remembers when it was asked to look."""

    def __init__(self) -> None:
        self.asked: list[tuple[Path, Sequence[float]]] = []

    def track(self, clip: Path, times_s: Sequence[float]) -> np.ndarray:
        self.asked.append((clip, times_s))
        return np.random.default_rng(0).normal(0, 100, (len(times_s), 2, 13, 2))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A clip with music."""
    path = tmp_path / "clip.mp4"
    write_demo_song(tmp_path / "song.wav", seconds=10, bpm=120)
    samples = read_song(tmp_path / "song.wav").samples
    with av.open(str(path), "w") as out:
        pictures, sound = out.add_stream("libx264", rate=10), out.add_stream("aac", rate=22_050, layout="mono")
        pictures.width, pictures.height, pictures.pix_fmt = 32, 32, "yuv420p"
        for _ in range(100):
            out.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        out.mux(pictures.encode(None))
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = 22_050
        out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


def test_write_measured__read_again__is_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    known = Measured(rng.normal(size=128).astype(np.float32), rng.normal(size=(5, 2, 13, 2)), 1.25)
    write_measured(tmp_path / "a.mp4", known)
    write_measured(tmp_path / "b.mp4", Measured())

    kept = read_measured(tmp_path / "a.mp4")

    assert (kept.audio == known.audio).all()
    assert kept.track == pytest.approx(known.track, abs=1e-6)
    assert kept.processing_time == 1.25
    assert read_measured(tmp_path / "b.mp4") == Measured()
    assert read_measured(tmp_path / "c.mp4") is None


def test_read_measured__another_version__is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_measured(tmp_path / "a.mp4", Measured())
    monkeypatch.setattr(measured, "VERSION", 99)

    assert read_measured(tmp_path / "a.mp4") is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_read_measured__damaged__says_what_to_delete(tmp_path: Path, content: bytes) -> None:
    measured_path(tmp_path / "a.mp4").write_bytes(content)

    with pytest.raises(SearchError, match=r"^CH106  .*a\.measured\.npz cannot be read .*Delete it"):
        read_measured(tmp_path / "a.mp4")


def test_measure_clip__with_music__describes_it_and_keeps_it(clip: Path) -> None:
    known = measure_clip(clip, BEATS_S, None)

    assert known.audio.shape == (128,)
    assert known.track is None
    before = measured_path(clip).stat().st_mtime_ns
    assert (measure_clip(clip, BEATS_S, None).audio == known.audio).all()
    assert measured_path(clip).stat().st_mtime_ns == before


def test_measure_clip__pose_model__is_asked_once_twice_a_beat(clip: Path) -> None:
    model = _Model()

    known = [measure_clip(clip, BEATS_S, model) for _ in range(2)]

    ((path, times_s),) = model.asked
    assert path == clip
    assert times_s == pytest.approx([number * 0.25 for number in range(17)])
    assert (known[0].track == known[1].track).all()
    assert known[1].audio.shape == (128,)


def test_measure_clip__pose_model_came_later__adds_the_poses(clip: Path) -> None:
    without = measure_clip(clip, BEATS_S, None)

    known = measure_clip(clip, BEATS_S, _Model())

    assert known.track.shape == (17, 2, 13, 2)
    assert (known.audio == without.audio).all()


@pytest.mark.parametrize(
    ("track", "message"),
    [
        (np.ones((17, 2, 12, 2)), r"CH100  a track of poses has shape \(17, 2, 12, 2\)"),
        (np.full((17, 2, 13, 2), np.nan), r"CH101  "),
        (np.random.default_rng(0).normal(size=(3, 2, 13, 2)), r"it was asked for 17"),
        ("no number", r"could not convert string to float"),
    ],
)
def test_measure_clip__pose_model_that_fails__names_the_clip_and_keeps_nothing(clip: Path, track, message: str) -> None:
    model = _Model()
    model.track = lambda *_: track

    with pytest.raises(SearchError, match=rf"^CH109  the pose model found .* in .*clip\.mp4.*{message}"):
        measure_clip(clip, BEATS_S, model)
    assert not measured_path(clip).exists()


def test_measure_clip__no_sound__has_no_audio_vector(drawn, tmp_path: Path) -> None:
    silent = tmp_path / "silent.mp4"
    silent.write_bytes(drawn.clip(drawn.moves[0]).read_bytes())

    assert measure_clip(silent, BEATS_S, None) == Measured()

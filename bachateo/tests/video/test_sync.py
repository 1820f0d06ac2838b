"""The step comes with the beat, and the measurement sees when it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bachateo
from bachateo.media.clips import Clip
from bachateo.moves import Library
from bachateo.video import warp
from tests.trials import sync

SECONDS = 40


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("song") / "clicks.wav"
    sync.write_clicks(path, sync.drifting_beats(124, SECONDS), SECONDS)
    return path


def _distances_s(song: Path, out: Path, flashes: Library) -> np.ndarray:
    made = bachateo.make(song, out, library=flashes.folder, cache=song.parent / "cache")
    return sync.distances_s(made.video, made.plan)


def test_make__clicks_and_flashes__every_flash_is_within_a_frame_of_its_click(
    song: Path, tmp_path: Path, flashes: Library
) -> None:
    distances_s = _distances_s(song, tmp_path / "out.mp4", flashes)

    assert len(distances_s) > 70
    assert np.abs(distances_s).max() < sync.FRAME_S
    assert abs(distances_s.mean()) < sync.FRAME_S / 3


def test_make__clips_not_warped__the_proof_sees_it(
    song: Path, tmp_path: Path, flashes: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwarped(clip: Clip, placed: bachateo.PlacedMove, _heard: object, *, closes: bool) -> warp.Shown:
        ticks = np.round((placed.start_s + np.asarray(clip.times_s)) * warp.TIMESCALE_HZ).astype(np.int64)
        ticks = ticks[ticks < placed.end_s * warp.TIMESCALE_HZ]
        return warp.Shown(np.arange(len(ticks)), ticks)

    monkeypatch.setattr("bachateo.video.assembly.warp_clip", unwarped)

    assert np.abs(_distances_s(song, tmp_path / "out.mp4", flashes)).max() > sync.FRAME_S

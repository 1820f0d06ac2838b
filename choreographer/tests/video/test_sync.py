"""The proof of sync: flashes on the beats of the clips, clicks on the beats of the song, compared as decoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

import choreographer
from choreographer.moves import Library
from choreographer.video import warp

FRAME_S = 0.034


def _flashes_s(video: Path) -> np.ndarray:
    with av.open(str(video)) as container:
        shown = [(frame.time, frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]
    return np.array([time for time, level in shown if level > 128])


def _clicks_s(video: Path) -> np.ndarray:
    with av.open(str(video)) as container:
        stream = container.streams.audio[0]
        parts = [(frame.time, frame.to_ndarray().mean(axis=0)) for frame in container.decode(stream)]
        rate = stream.rate
    start = round(parts[0][0] * rate)
    loud = np.flatnonzero(np.abs(np.concatenate([part for _, part in parts])) > 0.2) + start
    return loud[np.diff(loud, prepend=-rate) > 0.1 * rate] / rate


def _song_beats(bpm: float, seconds: float) -> np.ndarray:
    # The tempo drifts by three per cent, as a band does.
    times, at = [], 0.7
    while at < seconds - 1:
        times.append(at)
        at += 60 / (bpm * (1 + 0.03 * np.sin(at / 7)))
    return np.array(times)


def _distances(video: Path) -> np.ndarray:
    flashes, clicks = _flashes_s(video), _clicks_s(video)
    inside = clicks[(clicks > 4) & (clicks < clicks[-1] - 5)]
    return np.array([flashes[np.abs(flashes - click).argmin()] - click for click in inside])


def test_make__clicks_and_flashes__every_flash_is_within_a_frame_of_its_click(
    tmp_path: Path, flashes: Library, clicks: Callable[[Sequence[float], float], Path]
) -> None:
    song = clicks(_song_beats(124, 40), 40)

    choreographer.make(song, tmp_path / "out.mp4", library=flashes.folder)

    distances = _distances(tmp_path / "out.mp4")
    assert len(distances) > 50
    assert np.abs(distances).max() < FRAME_S
    assert abs(distances.mean()) < FRAME_S / 2


def test_make__clips_not_warped__the_proof_sees_it(
    tmp_path: Path,
    flashes: Library,
    clicks: Callable[[Sequence[float], float], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    song = clicks(_song_beats(124, 40), 40)

    def unwarped(times_s: Sequence[float], placed: choreographer.PlacedMove, _beats: object) -> np.ndarray:
        ticks = np.round((placed.start_s + np.asarray(times_s)) * warp.TIMESCALE_HZ).astype(np.int64)
        return ticks[ticks < placed.end_s * warp.TIMESCALE_HZ]

    monkeypatch.setattr("choreographer.video.assembly.warp_times", unwarped)
    choreographer.make(song, tmp_path / "out.mp4", library=flashes.folder)

    assert np.abs(_distances(tmp_path / "out.mp4")).max() > FRAME_S

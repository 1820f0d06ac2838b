from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bachateo.errors import SongError
from bachateo.music.demo import write_demo_song
from bachateo.music.song import read_song


def test_write_demo_song__truth__is_beside_it(demo) -> None:
    truth = json.loads(demo.path.with_suffix(".json").read_text())

    assert truth["beats"] == list(demo.truth.beats)
    assert truth["downbeats"] == truth["beats"][::4]
    assert np.allclose(np.diff(truth["beats"]), 60 / 124, atol=1e-3)


def test_write_demo_song__seed__changes_the_melody_only(tmp_path: Path) -> None:
    songs = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        truth = write_demo_song(tmp_path / f"{name}.wav", seconds=12, seed=seed)
        songs[name] = (truth.beats, read_song(tmp_path / f"{name}.wav").samples)

    assert songs["a"][0] == songs["c"][0]
    assert np.array_equal(songs["a"][1], songs["b"][1])
    assert not np.array_equal(songs["a"][1], songs["c"][1])


@pytest.mark.parametrize(("seconds", "bpm"), [(5, 126), (30, 60), (float("nan"), 126), (30, float("nan"))])
def test_write_demo_song__no_bachata__is_refused(tmp_path: Path, seconds: float, bpm: float) -> None:
    with pytest.raises(SongError, match=r"^CH011  a demo song of .* choose 10 s or more, and 95 to 175 bpm"):
        write_demo_song(tmp_path / "x.mp3", seconds=seconds, bpm=bpm)


def test_write_demo_song__unknown_suffix__lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(SongError, match=r"^CH010  x\.txt has no suffix of a sound file\. Choose \.mp3, \.m4a"):
        write_demo_song(tmp_path / "x.txt", seconds=12)

    assert list(tmp_path.iterdir()) == []

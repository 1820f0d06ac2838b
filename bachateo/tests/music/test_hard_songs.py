from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bachateo.music.analyzing import analyze_samples
from bachateo.music.song import SAMPLE_RATE_HZ, read_song
from bachateo.music.tracker import DOUBTFUL, track_beats
from tests.trials.hard_songs import KINDS, compose, write_hard_song


@pytest.mark.parametrize("kind", KINDS)
def test_compose__seed__decides_the_song(kind: str) -> None:
    one, same, other = (compose(kind, seed, seconds=30) for seed in (1, 1, 2))

    assert one.notes == same.notes != other.notes
    np.testing.assert_array_equal(one.beats_s, same.beats_s)
    assert 100 < 60 / np.median(np.diff(one.beats_s)) < 165


def test_compose__kinds__have_their_difficulty() -> None:
    songs = {kind: compose(kind, 5, seconds=60) for kind in KINDS}
    spread = {kind: np.ptp(np.convolve(np.diff(song.beats_s), np.ones(8) / 8, "valid")) for kind, song in songs.items()}

    assert songs["pickup"].notes[0].at_beat < 0 <= songs["plain"].notes[0].at_beat
    assert songs["pickup"].first_downbeat >= 1
    assert min(spread["drift"], spread["step"]) > 2 * spread["plain"]
    off, on = (
        [note.loudness for note in songs["off-beat"].notes if (note.at_beat % 1 != 0) is side] for side in (True, False)
    )
    assert np.mean(off) > 1.5 * np.mean(on)
    assert len({note.voice for note in songs["bare"].notes}) < len({note.voice for note in songs["plain"].notes})


def test_write_hard_song__truth__is_beside_it_and_inside_the_song(tmp_path: Path) -> None:
    song = write_hard_song(tmp_path / "song.wav", "pickup", 3, seconds=15)
    truth = json.loads((tmp_path / "song.json").read_text())

    assert truth["downbeats"][0] == truth["beats"][song.first_downbeat]
    assert truth["beats"][-1] < read_song(tmp_path / "song.wav").duration_s


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        ("off-beat", 21),
        pytest.param("step", 22, marks=pytest.mark.full),
        ("pickup", 23),
        pytest.param("worn", 24, marks=pytest.mark.full),
    ],
)
@pytest.mark.thinned(to_one_in=2)
def test_analyze_samples__hard_song__is_heard(tmp_path: Path, kind: str, seed: int) -> None:
    write_hard_song(tmp_path / "song.mp3", kind, seed, seconds=40)
    truth = json.loads((tmp_path / "song.json").read_text())

    heard = analyze_samples(read_song(tmp_path / "song.mp3"))

    errors = np.array([np.abs(np.array(heard.beats_s) - beat).min() for beat in truth["beats"]])
    ones = np.array([np.abs(np.array(heard.downbeats_s) - beat).min() for beat in truth["downbeats"]])
    assert (errors < 0.07).mean() > 0.95
    assert (ones < 0.07).mean() > 0.95
    assert (errors + 0.2 < 0.07).mean() == 0, "the measure would notice a shift"


@pytest.mark.parametrize("bpm", [110, 130, 150])
def test_tracker__a_clear_beat_without_bars__is_not_given_up_for_another_tempo(bpm: int) -> None:
    rng = np.random.default_rng(bpm)
    samples = rng.normal(0, 0.001, 10 * SAMPLE_RATE_HZ).astype(np.float32)
    for begin in (np.arange(0.3, 9.5, 60 / bpm) * SAMPLE_RATE_HZ).astype(int):
        samples[begin : begin + 600] += 0.5 * rng.normal(size=600) * np.exp(-np.arange(600) / 120)

    heard = track_beats(samples)

    assert heard.likeness < DOUBTFUL, "no bars to tell the tempo by"
    assert 60 / np.median(np.diff(heard.beats_s)) == pytest.approx(bpm, rel=0.01)

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from bachateo.errors import SearchError
from bachateo.moves.vectors.sound import SOUND_DIMS, describe_sound
from bachateo.music.demo import write_demo_song
from bachateo.music.song import SAMPLE_RATE_HZ, read_song

TEMPI = (104, 112, 128, 150)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, np.ndarray]:
    """Forty seconds at each tempo."""
    place: Path = tmp_path_factory.mktemp("songs")
    for bpm in TEMPI:
        write_demo_song(place / f"{bpm}.wav", seconds=40, bpm=bpm, seed=bpm)
    return {bpm: read_song(place / f"{bpm}.wav").samples for bpm in TEMPI}


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(describe_sound(a).astype(float) @ describe_sound(b).astype(float))


def _others() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    t = np.arange(20 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    chord = sum(np.sin(2 * np.pi * hz * t) for hz in (220.0, 277.2, 329.6)) * (0.1 + np.exp(-(t % 0.6) / 0.2))
    return [rng.normal(0, 0.2, len(t)), chord / 4, 0.5 * (np.arange(len(t)) % 11_025 < 200)]


def test_describe_sound__song__has_a_unit_vector_of_the_mapping(songs: dict[int, np.ndarray]) -> None:
    vector = describe_sound(songs[128])

    assert (vector.shape, vector.dtype, SOUND_DIMS) == ((128,), np.float32, 128)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    assert (vector == describe_sound(songs[128])).all()


def test_describe_sound__part_of_a_song__is_like_the_whole(songs: dict[int, np.ndarray]) -> None:
    for samples in (songs[104], songs[150]):
        middle = len(samples) // 2

        assert _cosine(samples, samples[:middle]) > 0.95
        assert _cosine(samples, samples[middle:]) > 0.95


def test_describe_sound__louder_or_softer__is_the_same(songs: dict[int, np.ndarray]) -> None:
    assert _cosine(songs[128], np.float32(0.2) * songs[128]) > 0.99999


def test_describe_sound__different_music__is_told_apart(songs: dict[int, np.ndarray]) -> None:
    every = [*songs.values(), *(other.astype(np.float32) for other in _others())]
    vectors = [describe_sound(samples).astype(float) for samples in every]
    cosines = [float(a @ b) for a, b in combinations(vectors, 2)]

    assert np.mean(cosines) < 0.4
    assert max(cosines) < 0.9


def test_describe_sound__tempi__are_the_more_alike_the_nearer(songs: dict[int, np.ndarray]) -> None:
    assert _cosine(songs[104], songs[112]) > _cosine(songs[104], songs[128]) > _cosine(songs[104], songs[150])


def test_describe_sound__too_short__is_refused() -> None:
    with pytest.raises(SearchError, match=r"^CH104  1\.0 s of sound are too few to describe it; 2 s are needed"):
        describe_sound(np.ones(SAMPLE_RATE_HZ, np.float32))


def test_describe_sound__silence__is_refused() -> None:
    with pytest.raises(SearchError, match=r"^CH105  the sound is silent"):
        describe_sound(np.zeros(5 * SAMPLE_RATE_HZ, np.float32))

"""Learns where in the bar a bachata's accents are: ``python -m tests.trials.training``.

Run it in the repository's folder, only when the accents or the songs to learn from change; it takes some minutes. It
writes the engine's ``counting.csv``, which :mod:`bachateo.music.counting` reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bachateo.files import written_aside
from bachateo.music import counting
from bachateo.music.accents import BAR, PLACES, SOURCES, mean_bar, quarter_accents
from bachateo.music.counting import WEIGHTS, turned
from bachateo.music.features import beat_features
from bachateo.music.instruments import RATE_HZ, Sound
from bachateo.music.network import beat_activations
from bachateo.music.onsets import hear_onsets
from bachateo.music.song import SAMPLE_RATE_HZ
from tests.trials.hard_songs import KINDS, compose, play, worn

SEEDS = range(10_000, 10_020)  # none of those that the bench measures with
SONG_S = 45.0
PENALTY = 0.1  # on the squared weights; from 0.01 to 0.3 no song of other sound fonts was counted otherwise
STEPS, STEP = 4000, 0.5

Array = NDArray[np.float64]


def learn(examples: Array, *, penalty: float = PENALTY) -> Array:
    """Return the weights that best tell the 1 from the other seven half beats of a bar.

    Parameters
    ----------
    examples
        Shape ``(n, 10, 16)``: accents of songs whose grid begins on a 1.
    penalty
        Weight of the squared weights in what is minimised.

    Returns
    -------
    ndarray
        Shape ``(160,)``.
    """
    views = turned(examples)
    weights = np.zeros(views.shape[2])
    speed = np.zeros_like(weights)
    for _ in range(STEPS):
        scores = views @ weights
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        slope = (np.einsum("np,npf->f", likely, views) - views[:, 0].sum(axis=0)) / len(views) + penalty * weights
        # Nesterov would be faster; heavy ball is enough for a convex function.
        speed = 0.9 * speed - STEP * 0.1 * slope
        weights = weights + speed
    return weights


def examples_of(kind: str, seed: int) -> list[Array]:
    """Return the accents of a hard song and of each half of it."""
    song = compose(kind, seed, seconds=SONG_S)
    rng = np.random.default_rng([seed, KINDS.index(kind), 1])
    sound = _resampled(worn(play(song, rng), kind, rng))
    features = beat_features(sound)
    activations, onsets = beat_activations(features), hear_onsets(sound)
    beats_s = song.beats_s[song.first_downbeat :]
    half = len(beats_s) // (2 * BAR) * BAR
    parts = (beats_s, beats_s[:half], beats_s[half:])
    levels = features[:, : features.shape[1] // 2]
    heard = partial(quarter_accents, onsets=onsets, levels=levels, activations=activations)
    return [mean_bar(heard(_with_halves(part))) for part in parts]


def _with_halves(beats_s: Array) -> Array:
    """Return the beats and what lies between them, from the first on."""
    lengths_s = np.append(np.diff(beats_s), beats_s[-1] - beats_s[-2])
    return np.stack((beats_s, beats_s + lengths_s / 2), axis=1).ravel()


def write_weights(weights: Array, path: Path) -> None:
    """Write a line for each source: its name and its weight on each quarter beat of the bar."""
    rows = zip(SOURCES, weights.reshape(-1, PLACES), strict=True)
    with written_aside(path) as aside:
        aside.write_text("".join(f"{name};{' '.join(f'{value:.2f}' for value in row)}\n" for name, row in rows))


def _resampled(sound: Sound) -> Sound:
    count = len(sound) * SAMPLE_RATE_HZ // RATE_HZ
    resampled = np.fft.irfft(np.fft.rfft(sound)[: count // 2 + 1], count) * (SAMPLE_RATE_HZ / RATE_HZ)
    return resampled.astype(np.float32)


def _all_examples(songs: Iterable[tuple[str, int]]) -> Array:
    with ProcessPoolExecutor() as pool:
        return np.array([part for parts in pool.map(examples_of, *zip(*songs, strict=True)) for part in parts])


if __name__ == "__main__":
    examples = _all_examples((kind, seed) for kind in KINDS for seed in SEEDS)
    write_weights(learn(examples), Path(counting.__file__).with_name(WEIGHTS))

"""What music sounds like, as a vector: the same function for a song, a part of one, and the sound of a clip."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bachateo.errors import SearchError
from bachateo.music.song import SAMPLE_RATE_HZ

BANDS, PITCHES, TEMPI = 40, 12, 36
SOUND_DIMS = BANDS + BANDS + PITCHES + TEMPI
WINDOW, HOP = 2048, 441  # 93 ms, 50 frames a second
FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP
BLOCK = 1024  # frames at a time: the spectrum of a whole song would be hundreds of megabytes
SHORTEST_S = 2.0
SILENCE = 1e-3
BAND_EDGES_HZ = (30.0, 10_000.0)
PITCH_EDGES_HZ = (65.4, 2_093.0)  # C2 to C7: where bass, harmony and melody are
TEMPO_EDGES_BPM = (80.0, 180.0)
BLUR, GAIN = 4.0, 8**0.5  # in steps of 2.3 % of tempo; blurring makes peaks flatter
DEPTH_DB = 60.0  # what is softer than this below the loudest band counts as this soft
QUIET = 1e-10

# What all bachatas share distinguishes no song, so it is left out. Level of each band less the mean of all bands, in
# dB: the mean of three kinds of recordings, two mixed songs, six filmed clips and 14 songs of the demo synthesiser.
TYPICAL_DB = np.array(
    [
        18.2, 15.4, 13.2, 12.6, 11.3, 12.2, 12.5, 10.9, 9.1, 8.9, 8.0, 5.3, 6.7, 4.2, 4.3, 3.5, 0.6, 0.3, 0.4, 0.2,
        -1.3, -2.4, -3.1, -2.9, -3.5, -3.6, -5.4, -6.0, -6.3, -6.8, -8.2, -9.7, -9.8, -10.4, -10.9, -11.4, -12.4, -13.2,
        -15.0, -15.7,
    ]
)  # fmt: skip
TYPICAL_SWING_DB = np.linspace(10.5, 6.5, BANDS)  # how much each band rises and falls, from the same recordings
# What a usual deviation is, and how much each part counts.
SCALES = (5.0, 3.0, 0.05, 0.25)
WEIGHTS = (0.25, 0.10, 0.10, 0.55)

Vector = NDArray[np.float32]
Array = NDArray[np.float64]


def describe_sound(samples: NDArray[np.float32]) -> Vector:
    """Return the vector of music.

    Parameters
    ----------
    samples
        Mono, at ``music.song.SAMPLE_RATE_HZ``, two seconds or more; of any loudness.

    Returns
    -------
    ndarray
        128 numbers, of unit length as a whole. 40: how loud each of 40 mel bands from 30 Hz to 10 kHz is, compared with
        a bachata's. 40: how much each rises and falls. 12: how much each pitch class from C to B is heard. 36: how
        periodic the onsets are at 36 tempi from 80 to 180 bpm, compared with the mean of all.

    Raises
    ------
    SearchError
        There is too little of it, or it is silent.

    Notes
    -----
    The cosine of a half of a song with the whole is 0.97 or more; of different recordings 0.2 in the mean.
    """
    seconds = len(samples) / SAMPLE_RATE_HZ
    if seconds < SHORTEST_S:
        raise SearchError(
            "CH104", f"{seconds:.1f} s of sound are too few to describe it; {SHORTEST_S:.0f} s are needed."
        )
    if not float(np.abs(samples).max()) > SILENCE:
        raise SearchError("CH105", "the sound is silent and cannot be described. Choose one that can be heard.")
    levels, pitches = _heard(samples)
    level_db = 10 * np.log10(levels + QUIET)
    level_db = np.maximum(level_db, level_db.max() - DEPTH_DB)
    mean_db = level_db.mean(axis=0)
    parts = (
        mean_db - mean_db.mean() - TYPICAL_DB,
        level_db.std(axis=0) - TYPICAL_SWING_DB,
        pitches - 1 / PITCHES,
        _periodicity(level_db),
    )
    weighted = [
        np.sqrt(weight / len(part)) * part / scale for part, scale, weight in zip(parts, SCALES, WEIGHTS, strict=True)
    ]
    whole = np.concatenate(weighted)
    unit: Vector = (whole / np.linalg.norm(whole)).astype(np.float32)
    return unit


def _heard(samples: NDArray[np.float32]) -> tuple[Array, Array]:
    """Return the power of each band in each frame, and the share of each pitch class in all frames."""
    # Equally loud whatever the recording, so that silence between the notes is at the same depth.
    level = samples / np.abs(samples).max()
    frames = sliding_window_view(np.pad(level, WINDOW // 2), WINDOW)[::HOP]
    window = np.hanning(WINDOW).astype(np.float32)
    bands, pitches = np.empty((len(frames), BANDS)), np.zeros(PITCHES)
    for start in range(0, len(frames), BLOCK):
        power = np.abs(np.fft.rfft(frames[start : start + BLOCK] * window, axis=1)) ** 2
        bands[start : start + BLOCK] = power @ _mel_bank()
        classes = power @ _pitch_map()
        pitches += (classes / (classes.sum(axis=1, keepdims=True) + QUIET)).sum(axis=0)
    return bands, pitches / len(frames)


def _periodicity(level_db: Array) -> Array:
    """Return the autocorrelation of the onsets at a beat and two beats of each tempo, the mean of both."""
    onsets = np.diff(level_db, axis=0).clip(min=0).mean(axis=1)
    onsets = onsets - onsets.mean()
    size = 1 << (2 * len(onsets)).bit_length()
    alike = np.fft.irfft(np.abs(np.fft.rfft(onsets, size)) ** 2)[: len(onsets)]
    beat = 60 * FRAME_RATE_HZ / np.geomspace(*TEMPO_EDGES_BPM, TEMPI)
    at = np.arange(len(onsets))
    both = (np.interp(beat, at, alike) + np.interp(2 * beat, at, alike)) / (2 * alike[0] + QUIET)
    # Blurred, so that tempi near each other are more alike than others.
    steps = np.arange(TEMPI)
    near = np.exp(-0.5 * ((steps[:, None] - steps) / BLUR) ** 2)
    blurred = near @ both / near.sum(axis=1) * GAIN
    return np.asarray(blurred - blurred.mean(), np.float64)


def _frequencies_hz() -> Array:
    return np.asarray(np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE_HZ), np.float64)


@lru_cache(maxsize=1)
def _mel_bank() -> Array:
    """Return overlapping triangles, equally far apart on the mel scale, each of sum 1."""
    low, high = (2595 * np.log10(1 + edge / 700) for edge in BAND_EDGES_HZ)
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    at = _frequencies_hz()[:, None]
    rising = (at - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - at) / np.diff(edges)[1:]
    bank = np.minimum(rising, falling).clip(min=0)
    scaled: Array = bank / bank.sum(axis=0)
    return scaled


@lru_cache(maxsize=1)
def _pitch_map() -> Array:
    """Return which pitch class each frequency belongs to, C first."""
    at = _frequencies_hz()
    heard = np.flatnonzero((at >= PITCH_EDGES_HZ[0]) & (at <= PITCH_EDGES_HZ[1]))
    classes = np.rint(69 + 12 * np.log2(at[heard] / 440)).astype(int) % PITCHES
    mapped = np.zeros((len(at), PITCHES))
    mapped[heard, classes] = 1
    return mapped

"""The beats of a song: its pulse, which half beats of it are beats, and which beat is the first of the bar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bachateo.music.accents import BAR, accents
from bachateo.music.counting import find_one
from bachateo.music.features import FRAME_RATE_HZ, beat_features
from bachateo.music.network import beat_activations
from bachateo.music.onsets import hear_onsets, strongest_near
from bachateo.music.pulse import hear_pulse, track_pulse
from bachateo.music.refinement import refine_pulse

FEWEST = 2 * BAR  # half beats below which there is nothing to count
NEAR = 4  # half beats on either side: one missing stroke makes no beat doubtful

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tracked:
    """Beats from the first that was heard to the last.

    Attributes
    ----------
    beats_s
        In seconds, ascending.
    first_downbeat
        Index of the first beat that begins a bar, 0 to 3.
    confidence
        How clearly each beat was heard, above 0, at most 1.
    contrast
        How much more it sounds like a beat on the beats than elsewhere; 1 for noise.
    """

    beats_s: Array
    first_downbeat: int
    confidence: Array
    contrast: float


def track_beats(samples: NDArray[np.float32]) -> Tracked:
    """Hear the beats.

    Parameters
    ----------
    samples
        Mono, float32, at ``SAMPLE_RATE_HZ``.
    """
    # On one core, one after the other: the other core encodes the sound, and would make a second thread wait.
    with threadpool_limits(1):
        features = beat_features(samples)
        activations, onsets = beat_activations(features), hear_onsets(samples)
    pulse = hear_pulse(activations, onsets)
    halves_s = track_pulse(pulse)
    if len(halves_s) < FEWEST:
        return Tracked(np.empty(0), 0, np.empty(0), 0.0)
    halves_s, clear = refine_pulse(onsets, halves_s)
    levels = features[:, : features.shape[1] // 2]
    place, sure = find_one(accents(halves_s[::2], onsets=onsets, levels=levels, activations=activations))
    side = place % 2
    return Tracked(
        beats_s=halves_s[side::2],
        first_downbeat=place // 2,
        confidence=(sure * _smooth(clear)[side::2]).clip(0.001, 1),
        contrast=_contrast(activations, halves_s),
    )


def _smooth(values: Array) -> Array:
    window = np.ones(2 * NEAR + 1)
    return np.convolve(values, window, "same") / np.convolve(np.ones(len(values)), window, "same")


def _contrast(activations: NDArray[np.float32], halves_s: Array) -> float:
    """How much more it sounds like a beat on every other half beat than anywhere."""
    beat = activations.sum(axis=1)
    near = strongest_near(beat, halves_s, rate_hz=FRAME_RATE_HZ, reach_s=0.04)
    return float(max(np.median(near[::2]), np.median(near[1::2])) / beat.mean())

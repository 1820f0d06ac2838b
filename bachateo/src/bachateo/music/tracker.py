"""The beats of a song: its pulse, which half beats of it are beats, and which of them begin bars and eight-counts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bachateo.music.accents import BAR, quarter_accents
from bachateo.music.counting import HALF_BEATS, Bars, find_bars
from bachateo.music.eights import find_eights
from bachateo.music.features import FRAME_RATE_HZ, beat_features
from bachateo.music.network import beat_activations
from bachateo.music.onsets import ONSET_RATE_HZ, Onsets, hear_onsets, strongest_near
from bachateo.music.pulse import hear_pulse, track_pulse, without_slips
from bachateo.music.refinement import refine_pulse

FEWEST = 2 * BAR  # half beats below which there is nothing to count
SOFT = 0.45  # of the usual stroke: what is softer, before the first and after the last one, is no music
# Below this the bars of no bachata were found to lie. In noise three beats may be taken for four, and four for three.
DOUBTFUL = 2.0
CONFUSED = (3 / 4, 4 / 3)
AS_CLEAR = 0.75  # so clear must the beat be at another tempo, as a share of the first: a clear beat is not given up
UNLIKE = 0.5  # of nine bars together
NEAR = 4  # half beats on either side: one missing stroke makes no beat doubtful

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Tracked:
    """Beats, from a little before the music to a little after it.

    Attributes
    ----------
    beats_s
        In seconds, ascending.
    ones
        Index of each beat that begins an eight-count, ascending; at least one.
    ones_confidence
        How sure each of these is no 5, 0.5 to 1.
    confidence
        How clearly each beat was heard, 0 (before and after the music) to 1.
    likeness
        How much the bars sound like those of a bachata, as in :class:`bachateo.music.counting.Bars`; less where the
        tempo had to be chosen by it.
    bar_scores
        How much it sounds like bars from each half beat of the bars on, as in :class:`bachateo.music.counting.Bars`.
    uncertain_s
        From when to when the bars sound like none, in seconds.
    contrast
        How much more it sounds like a beat on the beats than elsewhere; 1 for noise.
    """

    beats_s: Array
    ones: Indices
    ones_confidence: Array
    confidence: Array
    likeness: float
    bar_scores: Array
    uncertain_s: tuple[tuple[float, float], ...]
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
        return Tracked(np.empty(0), np.empty(0, np.int64), np.empty(0), np.empty(0), 0.0, np.zeros(HALF_BEATS), (), 0.0)
    levels = features[:, : features.shape[1] // 2]

    def barred(halves_s: Array) -> tuple[Bars, Array, Array]:
        halves_s, clear = refine_pulse(onsets, halves_s, samples)
        quarters = quarter_accents(halves_s, onsets=onsets, levels=levels, activations=activations)
        return find_bars(quarters), halves_s, clear

    # How clear the beat is counts at the first tempo: of several, one fits even noise by chance.
    contrast, doubt = _contrast(activations, halves_s), 0.0
    mended_s = without_slips(halves_s)
    tried = [barred(halves_s), *(barred(mended_s) for _ in range(len(mended_s) != len(halves_s)))]
    bars, halves_s, clear = max(tried, key=_likeness)
    if bars.likeness < DOUBTFUL:
        beat_s = 2 * float(np.median(np.diff(halves_s)))
        others = (track_pulse(pulse, beat_s=ratio * beat_s) for ratio in CONFUSED)
        others = (other for other in others if len(other) >= FEWEST)
        tried = [barred(other) for other in others if _contrast(activations, other) >= AS_CLEAR * contrast]
        doubt = 1.0
        bars, halves_s, clear = max([(bars, halves_s, clear), *tried], key=_likeness)
    sounds = _sounding(onsets, halves_s)
    heard = bars.starts[(bars.starts > sounds.start - HALF_BEATS / 2) & (bars.starts < sounds.stop)]
    ends = np.append(heard[1:], min(heard[-1] + HALF_BEATS, len(halves_s) - 1))
    eights = find_eights(halves_s[np.append(heard, ends[-1])], ends - heard < HALF_BEATS, onsets=onsets, levels=levels)
    beats = _beats(bars.starts, len(halves_s))
    confidence = (bars.sure * _smooth(clear)[beats]).clip(0.001, 1)
    return Tracked(
        beats_s=halves_s[beats],
        ones=np.searchsorted(beats, heard[eights.bars]),
        ones_confidence=eights.confidence,
        confidence=np.where((beats >= sounds.start) & (beats < sounds.stop), confidence, 0),
        likeness=bars.likeness - doubt,
        bar_scores=bars.places,
        uncertain_s=_uncertain(bars, sounds, halves_s),
        contrast=contrast,
    )


def _likeness(barred: tuple[Bars, Array, Array]) -> float:
    return barred[0].likeness


def _uncertain(bars: Bars, sounds: slice, halves_s: Array) -> tuple[tuple[float, float], ...]:
    """Return from when to when the bars, with their neighbours, sound like none."""
    whole = (bars.starts >= sounds.start) & (bars.starts < sounds.stop - HALF_BEATS)
    starts = bars.starts[whole]
    if not len(starts):
        return ()
    unlike = np.pad(_smooth(bars.scores[whole]) < UNLIKE, 1).astype(int)
    begins, ends = np.flatnonzero(np.diff(unlike) == 1), np.flatnonzero(np.diff(unlike) == -1)
    spans = ((starts[begin], starts[end - 1] + HALF_BEATS) for begin, end in zip(begins, ends, strict=True))
    return tuple((float(halves_s[begin]), float(halves_s[end])) for begin, end in spans)


def _sounding(onsets: Onsets, halves_s: Array) -> slice:
    """Return from which half beat to which there is music: before and after it there is silence, noise, a last echo."""
    strokes = strongest_near(onsets.sum(axis=0), halves_s, rate_hz=ONSET_RATE_HZ, reach_s=0.03)
    strong = np.flatnonzero(strokes > SOFT * np.median(strokes))
    return slice(int(strong[0]), int(strong[-1]) + 1)


def _beats(bars: Indices, halves: int) -> Indices:
    """Return which half beats are beats: every second one, counted from the beginning of each bar."""
    before = np.arange(bars[0] % 2, bars[0], 2)
    within = [np.arange(bar, after - 1, 2) for bar, after in pairwise((*bars.tolist(), halves + 1))]
    return np.concatenate((before, *within))


def _smooth(values: Array) -> Array:
    window = np.ones(min(2 * NEAR + 1, len(values)))
    return np.convolve(values, window, "same") / np.convolve(np.ones(len(values)), window, "same")


def _contrast(activations: NDArray[np.float32], halves_s: Array) -> float:
    """How much more it sounds like a beat on every other half beat than anywhere."""
    beat = activations.sum(axis=1)
    near = strongest_near(beat, halves_s, rate_hz=FRAME_RATE_HZ, reach_s=0.04)
    return float(max(np.median(near[::2]), np.median(near[1::2])) / beat.mean())

"""The most likely sequence of beats and bars behind the activations: a hidden Markov model of 4/4 at a tempo.

The state space and its constants are those of Krebs, Böck and Widmer ("An Efficient State Space Model for Joint
Tempo and Meter Tracking", ISMIR 2015). A state is a beat of the bar, an interval in frames and a position within
it; the tempo may change only where a beat begins. That makes the decoder a shift of an array per frame, with one
choice per beat and interval, so that it needs bytes per frame where a general one needs kilobytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from choreographer.music.features import FRAME_RATE_HZ

# Bachata is danced at 108 to 150 bpm. Beyond this range lie only half and double tempo.
SLOWEST_BPM, FASTEST_BPM = 95, 175
BEATS_PER_BAR = 4
TEMPO_STEADINESS = 100  # "transition lambda": a higher one changes the tempo less willingly
BEAT_FRACTION = 16  # the first 1/16 of a beat is where the beat sounds
HEARD = 0.05  # activations before the first and after the last that exceed this are no music

_FLOOR = 1e-10


def decode_bars(activations: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the frames on which beats fall, and their place in the bar.

    Parameters
    ----------
    activations
        Shape ``(frames, 2)``: probability of a beat that is no downbeat, and of a downbeat.

    Returns
    -------
    ndarray, ndarray
        Frame of each beat, ascending, and 0 (downbeat) to 3. Both are empty when nothing was heard.
    """
    heard = np.flatnonzero(activations.max(axis=1) >= HEARD)
    if len(heard) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    first, last = heard[0], heard[-1] + 1
    frames, places = _viterbi(activations[first:last].astype(np.float64))
    return frames + first, places


def _viterbi(activations: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    intervals = np.arange(round(60 * FRAME_RATE_HZ / FASTEST_BPM), round(60 * FRAME_RATE_HZ / SLOWEST_BPM) + 1)
    lasts = intervals.cumsum() - 1
    firsts = lasts - intervals + 1
    positions = np.concatenate([np.arange(n) / n for n in intervals])
    sounding = np.flatnonzero(positions < 1 / BEAT_FRACTION)
    change = np.exp(-TEMPO_STEADINESS * np.abs(intervals / intervals[:, None] - 1))
    log_change = np.log(change / change.sum(axis=1, keepdims=True))

    log_silence = np.log(np.maximum(1 - activations.sum(axis=1), _FLOOR) / (BEAT_FRACTION - 1))
    log_beat = np.log(np.maximum(activations, _FLOOR))
    # The column of the activations that each beat of the bar looks at: the first is the downbeat.
    column = [1] + [0] * (BEATS_PER_BAR - 1)
    gains = log_beat[:, column] - log_silence[:, None]

    score = np.zeros((BEATS_PER_BAR, len(positions)))
    came_from = np.empty((len(activations), BEATS_PER_BAR, len(intervals)), np.uint8)
    for frame in range(len(activations)):
        ending = np.roll(score[:, lasts], 1, axis=0)[:, :, None] + log_change
        choice = ending.argmax(axis=1)
        score[:, 1:] = score[:, :-1].copy()
        score[:, firsts] = ending.max(axis=1)
        score[:, sounding] += gains[frame, :, None]
        came_from[frame] = choice
    return _trace_back(score, came_from, intervals, firsts)


def _trace_back(
    score: NDArray[np.float64], came_from: NDArray[np.uint8], intervals: NDArray[np.int64], firsts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    place, state = np.unravel_index(score.argmax(), score.shape)
    tempo = int(np.searchsorted(firsts, state, side="right")) - 1
    frame = len(came_from) - 1 - int(state - firsts[tempo])
    beats: list[tuple[int, int]] = []
    while frame >= 0:
        beats.append((frame, int(place)))
        tempo = int(came_from[frame, place, tempo])
        place = (place - 1) % BEATS_PER_BAR
        frame -= int(intervals[tempo])
    found = np.array(beats[::-1], np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]

"""The half beats of a song: the steady pulse that a beat tracker can hear before it knows which of them are beats.

Loud off-beats make a tracker of beats slip by half a beat, for a whole song or for a verse. Its pulse in half beats
stays what it is. So the pulse is decoded first, and all of the song then decides which half beat is the 1
(``counting``).

The decoder is a hidden Markov model with the state space and the constants of Krebs, Böck and Widmer ("An Efficient
State Space Model for Joint Tempo and Meter Tracking", ISMIR 2015). A state is an interval in frames and a position
within it; the tempo may change only where a beat begins. That makes the decoder a shift of an array per frame, with
one choice per interval, so that it needs bytes per frame where a general one needs kilobytes. Unlike theirs it
expects a sound in the middle of a beat as well.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bachateo.music.features import FRAME_RATE_HZ
from bachateo.music.onsets import ONSET_RATE_HZ, Onsets, strongest_near

# Bachata is danced at 108 to 150 bpm. Beyond this range lie only half and double tempo.
SLOWEST_BPM, FASTEST_BPM = 95, 175
TEMPO_STEADINESS = 100  # "transition lambda": a higher one changes the tempo less willingly
USUAL_BEATS = 24  # on either side: their tempo is the usual one
USUALNESS = 40  # nats that a beat of twice the usual length costs
BEAT_FRACTION = 16  # the first 1/16 of a beat and of its second half is where they sound
# What the network takes for a beat counts more than what merely begins. Between 0.3 and 0.4 no pulse was lost in 72
# synthesised songs; without onsets those with loud off-beats are, with more of them those with noise.
ONSET_SHARE = 0.35
SURROUNDINGS_S = 4  # on either side: an onset is strong or weak compared with these
STEP = 25  # frames from one look at the surroundings to the next
LEAST_CONTRAST = 0.1  # of the song's own: what rises less is the noise of silence
HEARD = 0.1  # before the first and after the last frame that exceeds this there is no music

# Where loud off-beats and noise make the decoder slip, its tempo is another one for some beats, and the pulse comes to
# lie half a beat off.
OTHER_TEMPO = 0.05  # of the usual one
HALF_A_BEAT = (0.7, 1.3)  # how much longer or shorter a slip is than what it stands for, in half beats
USUAL_HALVES = 24  # on either side

_FLOOR, _CEILING = 0.02, 0.98


def hear_pulse(activations: NDArray[np.float32], onsets: Onsets) -> NDArray[np.float64]:
    """Return how much each frame sounds like a beat or half a beat.

    Parameters
    ----------
    activations
        Shape ``(frames, 2)``, from :func:`bachateo.music.network.beat_activations`.
    onsets
        Shape ``(bands, hops)``, from :func:`bachateo.music.onsets.hear_onsets`.

    Returns
    -------
    ndarray
        Shape ``(frames,)``, 0 to 1.
    """
    times_s = np.arange(len(activations)) / FRAME_RATE_HZ
    rises = strongest_near(onsets.sum(axis=0), times_s, rate_hz=ONSET_RATE_HZ, reach_s=0.01)
    reach = SURROUNDINGS_S * FRAME_RATE_HZ
    around = [rises[max(0, at - reach) : at + reach] for at in range(0, len(rises), STEP)]
    usual, strong = np.array([np.percentile(part, (50, 95)) for part in around]).repeat(STEP, axis=0)[: len(rises)].T
    contrast = strong - usual
    relative = (rises - usual) / np.maximum(contrast, LEAST_CONTRAST * contrast.max() + _FLOOR)
    return np.asarray(np.maximum(activations.sum(axis=1), ONSET_SHARE * relative.clip(0, 1)), np.float64)


def track_pulse(pulse: NDArray[np.float64], *, beat_s: float | None = None) -> NDArray[np.float64]:
    """Return the half beats.

    Parameters
    ----------
    pulse
        Shape ``(frames,)``, from :func:`hear_pulse`.
    beat_s
        How long a beat lasts, about; by default whatever is heard.

    Returns
    -------
    ndarray
        In seconds, ascending; empty when nothing was heard.
    """
    heard = np.flatnonzero(pulse >= HEARD)
    if len(heard) == 0:
        return np.empty(0)
    first, last = int(heard[0]), int(heard[-1]) + 1
    usual = None if beat_s is None else np.full(last - first, beat_s * FRAME_RATE_HZ)
    beats = _viterbi(pulse[first:last], usual=usual)
    if len(beats) > 2:  # noqa: PLR2004
        beats = _viterbi(pulse[first:last], usual=_usual_intervals(beats, last - first))
    return (first + _halves(beats, last - first)) / FRAME_RATE_HZ


def without_slips(halves_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the half beats with one more or one fewer wherever they seem to have slipped by half a beat.

    Parameters
    ----------
    halves_s
        From :func:`track_pulse`.

    Returns
    -------
    ndarray
        The same ones where nothing slipped. A band that really waits for half a beat looks the same, so that the bars
        have to decide.
    """
    lengths_s = np.diff(halves_s)
    if len(lengths_s) < 2 * USUAL_HALVES:
        return halves_s
    around = sliding_window_view(np.pad(lengths_s, USUAL_HALVES, mode="reflect"), 2 * USUAL_HALVES + 1)
    longer = lengths_s / np.median(around, axis=1) - 1
    other = np.flatnonzero(np.diff(np.pad(np.abs(longer) > OTHER_TEMPO, 1).astype(int)))
    mended, done = [], 0
    for begin, end in zip(other[::2].tolist(), other[1::2].tolist(), strict=True):
        # Frames are coarse: what the tempo gains or loses right before and after belongs to it.
        slip = float(longer[max(0, begin - 2) : end + 2].sum())
        if begin and end < len(lengths_s) and HALF_A_BEAT[0] <= abs(slip) <= HALF_A_BEAT[1]:
            count = end - begin + round(slip)
            mended += [halves_s[done:begin], np.linspace(halves_s[begin], halves_s[end], count, endpoint=False)]
            done = end
    return np.concatenate((*mended, halves_s[done:]))


def _halves(beats: NDArray[np.int64], frames: int) -> NDArray[np.float64]:
    """Return the beats and what lies between them, and as many half beats before and after as there are frames for."""
    if len(beats) < 2:  # noqa: PLR2004
        return beats.astype(np.float64)
    halves = np.sort(np.concatenate((beats, (beats[1:] + beats[:-1]) / 2)))
    before, after = halves[1] - halves[0], halves[-1] - halves[-2]
    # Extrapolated, the first sound may seem to lie a little before it is heard.
    head = np.arange(halves[0] - before, -before / 4, -before)[::-1]
    return np.concatenate((head, halves, np.arange(halves[-1] + after, frames + after / 4, after)))


def _usual_intervals(beats: NDArray[np.int64], frames: int) -> NDArray[np.float64]:
    """Return the interval that is usual around each frame, ``(frames,)``.

    With it the second decoding no longer takes half a beat more or less for a change of tempo.
    """
    intervals = np.pad(np.diff(beats), USUAL_BEATS, mode="reflect")
    around = np.sort(sliding_window_view(intervals, 2 * USUAL_BEATS + 1), axis=1)
    # Frames are coarse, so not the median but the mean of the middle half.
    means = around[:, USUAL_BEATS // 2 : -USUAL_BEATS // 2].mean(axis=1)
    return np.asarray(np.interp(np.arange(frames), beats[:-1], means))


def _viterbi(pulse: NDArray[np.float64], usual: NDArray[np.float64] | None = None) -> NDArray[np.int64]:
    intervals = np.arange(round(60 * FRAME_RATE_HZ / FASTEST_BPM), round(60 * FRAME_RATE_HZ / SLOWEST_BPM) + 1)
    lasts = intervals.cumsum() - 1
    firsts = lasts - intervals + 1
    positions = np.concatenate([np.arange(n) / n for n in intervals])
    sounding = np.flatnonzero(positions % 0.5 < 1 / BEAT_FRACTION)
    log_change = _log_change(intervals)
    gains = _gains(pulse)

    score = np.zeros(len(positions))
    shifted = np.empty_like(score)
    came_from = np.empty((len(pulse), len(intervals)), np.uint8)
    each = np.arange(len(intervals))
    steady = np.zeros((len(pulse), len(intervals)))
    if usual is not None:
        steady = -USUALNESS * np.abs(intervals / usual[:, None] - 1)
    for frame, gain in enumerate(gains):
        ending = score[lasts][:, None] + log_change
        choice = ending.argmax(axis=0)
        shifted[1:] = score[:-1]
        shifted[firsts] = ending[choice, each] + steady[frame]
        shifted[sounding] += gain
        score, shifted = shifted, score
        came_from[frame] = choice
    return _trace_back(score, came_from, intervals, firsts)


def _log_change(intervals: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log probability of each interval (columns) after each (rows)."""
    change = np.exp(-TEMPO_STEADINESS * np.abs(intervals / intervals[:, None] - 1))
    return np.asarray(np.log(change / change.sum(axis=1, keepdims=True)))


def _gains(pulse: NDArray[np.float64]) -> NDArray[np.float64]:
    """What a frame adds to the log likelihood where a sound is expected, compared with where it is not.

    Where it is more than nothing on average, in noise, the fastest tempo would gain most: there the average is 0.
    """
    sound = pulse.clip(_FLOOR, _CEILING)
    gains = np.log(sound) - np.log((1 - sound) / (BEAT_FRACTION / 2 - 1))
    sums = np.append(0.0, np.cumsum(gains))
    frames, reach = np.arange(len(gains)), SURROUNDINGS_S * FRAME_RATE_HZ // 2
    start, stop = (frames - reach).clip(0), (frames + reach).clip(None, len(gains))
    return np.asarray(gains - ((sums[stop] - sums[start]) / (stop - start)).clip(0))


def _trace_back(
    score: NDArray[np.float64], came_from: NDArray[np.uint8], intervals: NDArray[np.int64], firsts: NDArray[np.int64]
) -> NDArray[np.int64]:
    state = int(score.argmax())
    tempo = int(np.searchsorted(firsts, state, side="right")) - 1
    frame = len(came_from) - 1 - (state - int(firsts[tempo]))
    beats: list[int] = []
    while frame >= 0:
        beats.append(frame)
        tempo = int(came_from[frame, tempo])
        frame -= int(intervals[tempo])
    return np.array(beats[::-1], np.int64)

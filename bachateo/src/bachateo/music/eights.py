"""Which bars begin an eight-count: decided over the whole song, from where the music begins something new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bachateo.music.accents import BASS, CHORDS, PLACES
from bachateo.music.features import FRAME_RATE_HZ
from bachateo.music.onsets import ONSET_RATE_HZ, Onsets

AROUND = 4  # bars on either side that a new section is unlike
PEAK = 3  # bars on either side of which it is the most unlike
TIMBRE_BANDS = 10
# Drums announce a new section with a fill; bass and melody wait for it. So one begins a bar later than it seems where
# these change most then, and are not yet much nearer to what comes after: by this share of how far before and after are
# apart, by 160 songs.
ANNOUNCED = -0.2
MELODY_BANDS, BASS_BANDS = 7, 2
# What each sign says, in nats for as much above the usual as songs commonly vary. A new section says most; the chords
# say little each time, since a song repeats them, and with them its mistake.
SECTION, HARMONY, BASS_NOTE = 0.75, 0.02, 0.04
LEAST_HARMONY, LEAST_BASS, LEAST_UNLIKE = 0.05, 0.04, 0.04  # songs have twice as much and more
STRONGEST, WEAKEST = 5.0, -3.0
LONG = 5.0  # what it costs that an eight-count has a bar more, in nats
ENTRY = 0.7  # and that a song begins with the second bar of one
ANEW = 3.0  # and that the chords begin their cycle anew with an eight-count
# After a bar that was cut short the count begins anew, or the music would not have waited.
GOES_ON = 3.0
# Of the difference to the next best count, in nats: it makes a probability of it, by the 1s of 69 songs. Bars of one
# song make the same mistakes, so a nat says less than it would.
CALIBRATION = 0.3

# Chords come back after four bars, or after some of which four are a multiple; a bar may be one more.
CYCLE, MORE = 4, 4
FIRST, SECOND = [0, 2], [1, 3]  # bars of an eight-count among them
ROUNDS = 6
BASS_SHARE = 0.5  # beside the chords
LEAST_SPREAD = 0.05
MOST_OF_CHORDS = 1.5  # nats of one bar: clear chords say where the count moves, and not where it begins

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Eights:
    """Which bars begin an eight-count.

    Attributes
    ----------
    bars
        Index of each of these bars, ascending: every second one, but where the music has a bar more.
    confidence
        How sure each is no second bar, 0.5 (as likely as not) to 1.
    """

    bars: Indices
    confidence: Array


def find_eights(
    starts_s: Array, cut_short: NDArray[np.bool_], *, onsets: Onsets, levels: NDArray[np.float32]
) -> Eights:
    """Return the bars that begin an eight-count.

    Parameters
    ----------
    starts_s
        When each bar begins, and when the last one ends, shape ``(bars + 1,)``.
    cut_short
        Which bars are no whole ones, shape ``(bars,)``.
    onsets
        Shape ``(6, hops)``, from :func:`bachateo.music.onsets.hear_onsets`.
    levels
        Shape ``(frames, 136)``: the magnitudes of :func:`bachateo.music.features.beat_features`.
    """
    spectrum = _means(levels, starts_s * FRAME_RATE_HZ)
    votes = boundary_votes(starts_s, onsets=onsets, spectrum=spectrum)
    chords = np.hstack((_shape(spectrum[:, CHORDS]), BASS_SHARE * _shape(spectrum[:, BASS])))
    return _decode(votes, chords, cut_short)


def boundary_votes(starts_s: Array, *, onsets: Onsets, spectrum: Array) -> Array:
    """Return what speaks for each bar that it begins an eight-count, in nats; below 0 for its being the second.

    Parameters
    ----------
    starts_s, onsets
        As for :func:`find_eights`.
    spectrum
        Shape ``(bars, 136)``: the mean of the levels of each bar.

    Returns
    -------
    ndarray
        Shape ``(bars,)``. The first and the last bar have no say: what comes before and after is not music.
    """
    count = len(starts_s) - 1
    votes = np.zeros(count)
    if count < 3:  # noqa: PLR2004  # nothing lies between the first and the last
        return votes
    chords = _shape(spectrum[:, CHORDS])
    harmony = 1 - (chords[1:] * chords[:-1]).sum(axis=1)
    bass = np.linalg.norm(np.diff(spectrum[:, BASS], axis=0), axis=1)
    inner = slice(1, count - 1)
    votes[inner] += HARMONY * _above_usual(harmony[:-1], LEAST_HARMONY) + BASS_NOTE * _above_usual(
        bass[:-1], LEAST_BASS
    )
    unlike = _unlike(_sound_of_bars(spectrum, starts_s, onsets))
    peaks = [value == unlike[max(0, bar - PEAK) : bar + PEAK + 1].max() for bar, value in enumerate(unlike)]
    begins = SECTION * np.where(peaks[inner], _above_usual(unlike[inner], LEAST_UNLIKE).clip(0), 0)
    melody = np.hstack((_bands(spectrum[:, CHORDS], MELODY_BANDS), _bands(spectrum[:, BASS], BASS_BANDS)))
    changes = _unlike(melody)
    for bar in np.flatnonzero(begins) + 1:
        votes[bar + _is_announced(melody, changes, int(bar))] += begins[bar - 1]
    return votes


def _is_announced(melody: Array, changes: Array, bar: int) -> bool:
    """Whether the bars from this one on are new, and its bass and melody are still those of the bars before."""
    last = len(melody) - 1
    if bar + 1 >= last or changes[bar + 1] < changes[bar - 1 : bar + 3].max():
        return False
    before = melody[max(0, bar - AROUND) : bar].mean(axis=0)
    after = melody[bar + 1 : min(last, bar + 1 + AROUND)].mean(axis=0)
    farther = np.linalg.norm(melody[bar] - after) - np.linalg.norm(melody[bar] - before)
    return bool(farther > ANNOUNCED * np.linalg.norm(after - before))


def _shape(spectrum: Array) -> Array:
    """Return spectra of which neither loudness nor level is left, only what sounds beside what."""
    centred = spectrum - spectrum.mean(axis=1, keepdims=True)
    shape: Array = centred / (np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9)
    return shape


def _sound_of_bars(spectrum: Array, starts_s: Array, onsets: Onsets) -> Array:
    """Return each bar's timbre and rhythm as one vector; both weigh the same."""
    quarters_s = np.linspace(starts_s[:-1], starts_s[1:], PLACES, endpoint=False, axis=1).ravel()
    rhythm = _means(np.log1p(onsets).T, np.append(quarters_s, starts_s[-1]) * ONSET_RATE_HZ).reshape(len(spectrum), -1)
    return np.hstack((_bands(spectrum, TIMBRE_BANDS), _scaled(rhythm)))


def _bands(spectrum: Array, count: int) -> Array:
    """Return the means of so many parts of each spectrum, scaled."""
    return _scaled(np.stack([band.mean(axis=1) for band in np.array_split(spectrum, count, axis=1)], axis=1))


def _scaled(part: Array) -> Array:
    """Return what each bar has more or less than the others, so that parts of any kind and number weigh the same."""
    scaled: Array = (part - part.mean(axis=0)) / (part.std() + 1e-9) / np.sqrt(part.shape[1])
    return scaled


def _unlike(bars: Array) -> Array:
    """Return how unlike the bars from each one on are to those before it; 0 for the first and the last."""
    last = len(bars) - 1
    unlike = np.zeros(len(bars))
    for bar in range(1, last):
        before, after = bars[max(0, bar - AROUND) : bar], bars[bar : min(last, bar + AROUND)]
        fewer = len(before) * len(after) / (len(before) + len(after))
        unlike[bar] = np.linalg.norm(after.mean(axis=0) - before.mean(axis=0)) * np.sqrt(fewer)
    return unlike


def _above_usual(values: Array, least: float) -> Array:
    """Return how far each value is above the median, in units of how far values commonly are from it."""
    median = np.median(values)
    # In a song that is always the same, what little differs means nothing.
    spread = 1.4826 * np.median(np.abs(values - median)).clip(least)
    above: Array = ((values - median) / spread).clip(WEAKEST, STRONGEST)
    return above


def _means(values: NDArray[np.float32], bounds: Array) -> Array:
    """Return the mean of the rows from each bound to the next."""
    sums = np.vstack((np.zeros(values.shape[1]), np.cumsum(values, axis=0, dtype=np.float64)))
    at = np.round(bounds).astype(int).clip(0, len(values))
    means: Array = np.diff(sums[at], axis=0) / np.maximum(np.diff(at), 1)[:, None]
    return means


def _decode(votes: Array, chords: Array, cut_short: NDArray[np.bool_]) -> Eights:
    """Find the best count: a bar is one of the chords' cycle, the first or the second of an eight-count, or one more.

    What the cycle sounds like is learned from the song itself, by turns with the count (hard expectation and
    maximisation), from several beginnings, since a bar more in the middle spoils what the whole song says.
    """
    steps = [_STEPS[bool(short)] for short in cut_short[:-1]]
    bars = np.arange(len(votes))
    middle = len(bars) // 2
    parts = (bars >= 0, bars < middle, bars >= middle)
    places = np.stack([np.where(part, (bars + shift) % CYCLE, MORE) for part in parts for shift in (0, 1)])
    says = votes[:, None] * np.where(np.isin(np.arange(MORE + 1), FIRST), 1.0, -1.0)
    for _ in range(ROUNDS):
        gains = says + _likely_chords(places, chords)
        before, (places, worth) = places, _best_places(gains, steps)
        if (places == before).all():
            break
    best = places[worth[:, -1].max(axis=1).argmax()]
    firsts = np.flatnonzero(np.isin(best, FIRST))
    # Of each bar the best count in which it is the first of an eight, and the best in which it is not.
    both = (worth + _worth_ahead(gains, steps))[:, firsts]
    ahead = both[:, :, FIRST].max(axis=(0, 2)) - np.delete(both, FIRST, axis=2).max(axis=(0, 2))
    return Eights(firsts, 1 / (1 + np.exp(-CALIBRATION * ahead)))


def _likely_chords(places: Indices, chords: Array) -> Array:
    """Return how well the chords of each bar suit each place, in nats, where the places are about these.

    Parameters
    ----------
    places
        Shape ``(counts, bars)``.
    chords
        Shape ``(bars, bands)``.

    Returns
    -------
    ndarray
        Shape ``(counts, bars, 5)``.
    """
    members = (places[:, :, None] == np.arange(CYCLE)).astype(np.float64)
    sums = members.transpose(0, 2, 1) @ chords
    cycle = (sums + chords.mean(axis=0)) / (members.sum(axis=1) + 1)[:, :, None]
    unlike = np.square(chords).sum(axis=1)[:, None] - 2 * chords @ cycle.transpose(0, 2, 1)
    unlike += np.square(cycle).sum(axis=2)[:, None]
    spread = np.median(unlike.min(axis=2), axis=1).clip(0) + LEAST_SPREAD
    suits = (unlike.mean(axis=2, keepdims=True) - unlike) / spread[:, None, None]
    return np.pad(suits.clip(-MOST_OF_CHORDS, MOST_OF_CHORDS), ((0, 0), (0, 0), (0, 1)))


def _best_places(gains: Array, steps: Sequence[Array]) -> tuple[Indices, Array]:
    """Return the place of each bar in the best of each of the counts, and what is gained at most up to each place."""
    worth = np.zeros_like(gains)
    worth[:, 0] = gains[:, 0] - np.array([0.0, ENTRY, 0.0, ENTRY, np.inf])
    came_from = []
    for bar, step in enumerate(steps, 1):
        options = worth[:, bar - 1, :, None] + step
        # Of two that are as good the one with a bar more: so that it comes last before what says that it is there.
        came_from.append(MORE - options[:, ::-1].argmax(axis=1))
        worth[:, bar] = options.max(axis=1) + gains[:, bar]
    counts = np.arange(len(gains))
    places = [worth[:, -1].argmax(axis=1)]
    for before in reversed(came_from):
        places.append(before[counts, places[-1]])
    return np.stack(places[::-1], axis=1), worth


def _worth_ahead(gains: Array, steps: Sequence[Array]) -> Array:
    """Return what is gained at most after each place of each bar."""
    ahead = np.zeros_like(gains)
    for bar, step in reversed([*enumerate(steps)]):
        ahead[:, bar] = (step + (gains[:, bar + 1] + ahead[:, bar + 1])[:, None]).max(axis=2)
    return ahead


def _steps(*, cut_short: bool) -> Array:
    """Return the log likelihood of each place (columns) after each (rows)."""
    steps = np.full((MORE + 1, MORE + 1), -np.inf)
    if cut_short:
        steps[:, FIRST], steps[:, SECOND] = 0.0, -GOES_ON
        return steps
    steps[np.ix_(SECOND, FIRST)] = -ANEW
    for place in range(CYCLE):
        steps[place, (place + 1) % CYCLE] = 0.0
    steps[SECOND, MORE], steps[MORE, FIRST] = -LONG, 0.0
    return steps


_STEPS = {cut_short: _steps(cut_short=cut_short) for cut_short in (False, True)}

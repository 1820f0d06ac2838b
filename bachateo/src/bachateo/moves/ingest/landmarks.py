"""Which films share a recording, and when: by landmarks in their sound.

A landmark is two peaks of the spectrogram, one soon after the other: how high both are, and how far apart. Loudness,
encoding and what is talked meanwhile change few of them (Wang, "An industrial-strength audio search algorithm", 2003).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bachateo.music.features import FRAME_RATE_HZ, beat_features

Landmarks = Sequence[int]  # a landmark, and when it is in ms; the next one, and when …

REACH = 3  # bands and frames around a peak in which nothing is stronger
PEAKS_PER_S = 14.0
PARTNERS, NEAREST, FARTHEST = 5, 2, 40  # peaks that each is paired with, and how many frames later they are
SPACING = 2  # frames: two films seldom begin at the same fraction of one
BANDS = 256  # more than there are
LARGEST = BANDS * BANDS * FARTHEST

STEP_MS = 40
# Of the landmarks in the part that both films have, 23 to 60 % are the same where they share a recording, up to 12 %
# where the same instruments play the same pattern, and hardly any otherwise.
LEAST_COMMON, COMMON_FRACTION = 14, 0.17
MOST_ALIKE = 400  # a landmark that is heard so often says nothing

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Overlap:
    """Two films that share a recording.

    Attributes
    ----------
    one, other
        Their names.
    later_s
        How much later the same sound is in ``one``: its time there is that in ``other`` and this.
    common
        How many landmarks say so.
    """

    one: str
    other: str
    later_s: float
    common: int


def landmarks(samples: Pixels, start_s: float) -> list[int]:
    """Return the landmarks of a film, each followed by when it is, in milliseconds.

    Parameters
    ----------
    samples
        Mono, at ``music.song.SAMPLE_RATE_HZ``.
    start_s
        When the first of them is heard in the film.
    """
    features = beat_features(samples)
    levels = features[:, : features.shape[1] // 2]
    frames, bands = _peaks(levels - levels.mean(axis=0))
    found: list[int] = []
    for at, (frame, band) in enumerate(zip(frames.tolist(), bands.tolist(), strict=True)):
        apart = frames[at + 1 :] - frame
        partners = at + 1 + np.flatnonzero((apart >= NEAREST) & (apart < FARTHEST))[:PARTNERS]
        for partner in partners.tolist():
            distance = int(frames[partner] - frame) // SPACING
            landmark = (band * BANDS + int(bands[partner])) * FARTHEST + distance
            found += [landmark, max(0, round(1000 * (start_s + frame / FRAME_RATE_HZ)))]
    return found


def find_overlaps(films: Mapping[str, Landmarks]) -> list[Overlap]:
    """Return which films share a recording, those with most in common first.

    Parameters
    ----------
    films
        The landmarks of each.
    """
    names = list(films)
    pairs = [np.asarray(films[name], np.int64).reshape(-1, 2) for name in names]
    sizes = np.array([len(pair) for pair in pairs])
    if not sizes.sum():
        return []
    of_film = np.repeat(np.arange(len(names)), sizes)
    landmark, time_ms = np.concatenate(pairs).T
    order = np.argsort(landmark, kind="stable")
    votes = list(_votes(landmark[order], of_film[order], time_ms[order]))
    if not votes:
        return []
    one, other, steps = np.concatenate(votes, axis=1)
    voted, counts = np.unique(np.column_stack((one, other, steps)), axis=0, return_counts=True)
    # What lies on the edge of a step is counted with the next one.
    follows = (np.diff(voted, axis=0) == (0, 0, 1)).all(axis=1)
    together = counts + np.append(np.where(follows, counts[1:], 0), 0)
    best: dict[tuple[int, int], Overlap] = {}
    for row in np.argsort(together, kind="stable").tolist():
        first, second, step = voted[row].tolist()
        if together[row] < LEAST_COMMON:
            continue
        middle = step + (counts[row + 1] / together[row] if row < len(follows) and follows[row] else 0.0)
        later_s = float(STEP_MS * (middle + 0.5) / 1000)
        if together[row] >= COMMON_FRACTION * _in_both(pairs[first][:, 1], pairs[second][:, 1] + 1000 * later_s):
            best[first, second] = Overlap(names[first], names[second], later_s, int(together[row]))
    return sorted(best.values(), key=lambda overlap: -overlap.common)


def _in_both(one_ms: NDArray[np.int64], other_ms: NDArray[np.float64]) -> int:
    """Return how many landmarks the film that has fewer has in the part that both have."""
    start, stop = max(one_ms.min(), other_ms.min()), min(one_ms.max(), other_ms.max())
    return int(min(((times >= start) & (times <= stop)).sum() for times in (one_ms, other_ms)))


def _peaks(levels: Pixels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return frames and bands of the strongest peaks, in the order of time."""
    size = 2 * REACH + 1
    padded = np.pad(levels, REACH, constant_values=-np.inf)
    across = sliding_window_view(padded, size, axis=1).max(axis=-1)
    around = sliding_window_view(across, size, axis=0).max(axis=-1)
    frames, bands = np.nonzero((levels == around) & (levels > 0))
    count = round(PEAKS_PER_S * len(levels) / FRAME_RATE_HZ)
    strongest = np.sort(np.argsort(-levels[frames, bands], kind="stable")[:count])
    return frames[strongest], bands[strongest]


def _votes(
    landmark: NDArray[np.int64], film: NDArray[np.int64], time_ms: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Yield of each landmark that several films have: two films, and how far apart it is in them."""
    starts = np.flatnonzero(np.diff(landmark, prepend=-1))
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(landmark)], strict=True):
        if 1 < stop - start <= MOST_ALIKE:
            one, other = np.triu_indices(stop - start, 1)
            one, other = one + start, other + start
            apart = film[one] != film[other]
            one, other = one[apart], other[apart]
            swapped = film[one] > film[other]
            one, other = np.where(swapped, other, one), np.where(swapped, one, other)
            yield np.stack((film[one], film[other], (time_ms[one] - time_ms[other]) // STEP_MS))

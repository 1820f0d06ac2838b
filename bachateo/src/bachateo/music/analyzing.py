"""Hears a song, and remembers what was heard by the content of its file."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bachateo.cache import cached, content_key
from bachateo.errors import SongError
from bachateo.media.song_file import require_file
from bachateo.music.analysis import BAR, COUNTS, Analysis, analysis_of, eight_starts
from bachateo.music.corrections import Corrections, apply_corrections, read_corrections
from bachateo.music.song import SAMPLE_RATE_HZ, DecodedSong, read_song

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

HEARING_VERSION = 10  # of what is heard; a cached analysis of another version is not used
# Songs have a contrast of 4 or more, noise and drones of 1 to 1.76.
LEAST_CONTRAST = 1.8
STEEPNESS = 3.0  # of how sure it is that there are four beats a bar: 0.75 for the least like of 101 bachatas

Array = NDArray[np.float64]


def analyze_song(
    path: Path, *, cache: Path, corrected: bool = True, read: Callable[[], DecodedSong] | None = None
) -> Analysis:
    """Hear a song, or remember what was heard in a file of the same content.

    Parameters
    ----------
    path
        The song.
    cache
        Folder that remembers.
    corrected
        Obey the corrections that stand beside the song.
    read
        Gives the decoded song, where the caller needs it too.

    Raises
    ------
    SongError
        The song cannot be danced to, or its corrections cannot be read.
    """
    require_file(path)
    corrections = read_corrections(path) if corrected else Corrections()
    name = f"analysis-{HEARING_VERSION}-{content_key(path)}.json"
    read = read or song_reader(path)
    entry, _ = cached(cache, name, lambda aside: _write(analyze_samples(read()), aside))
    return apply_corrections(Analysis.from_json(entry.read_text()), corrections)


def song_reader(path: Path) -> _lru_cache_wrapper[DecodedSong]:
    """Return what decodes a song, once, and loads the beat tracker meanwhile: a cached analysis need not pay for it.

    ``cache_clear`` forgets the samples.
    """
    return lru_cache(1)(partial(read_song, path, meanwhile=partial(import_module, "bachateo.music.tracker")))


def analyze_samples(song: DecodedSong) -> Analysis:
    """Hear a decoded song.

    Raises
    ------
    SongError
        No beat is heard, or not one complete eight-count.
    """
    from bachateo.music.tracker import DOUBTFUL, track_beats  # noqa: PLC0415 - see song_reader

    tracked = track_beats(song.samples)
    if len(tracked.beats_s) < BAR or tracked.contrast < LEAST_CONTRAST:
        raise SongError("CH009", "no steady beat was heard in this song. Choose one with a rhythm to dance to.")
    grid, before, after = _fill(tracked.beats_s, song.duration_s)
    ones = _whole_eights(tracked.ones + before)
    first_count = int(ones[0]) % COUNTS
    restarts = [int(one) for one, length in zip(ones[1:], np.diff(ones), strict=True) if length % COUNTS]
    starts = eight_starts(first_count, restarts, len(grid))
    nearest = [int(np.abs(tracked.ones + before - start).argmin()) for start in starts]
    return analysis_of(
        duration_s=song.duration_s,
        beats_s=grid,
        first_count=first_count,
        confidence=np.pad(tracked.confidence, (before, after)),
        loudness=_loudness(song.samples, grid),
        restarts=restarts,
        count_confidence=tracked.ones_confidence[nearest],
        four_beats=float(1 / (1 + np.exp(-STEEPNESS * (tracked.likeness - DOUBTFUL)))),
        uncertain_s=tracked.uncertain_s,
        bar_scores=tracked.bar_scores.tolist(),
    )


def _whole_eights(ones: NDArray[np.int64]) -> NDArray[np.int64]:
    """Leave out each 1 after which another comes before eight beats have passed."""
    whole: NDArray[np.int64] = ones[np.append(np.diff(ones) >= COUNTS, [True])]
    return whole


def _fill(beats_s: Array, duration_s: float) -> tuple[Array, int, int]:
    """Let the beat go on to both ends of the song; also return how many beats were added before and after."""
    before, after = np.diff(beats_s[:COUNTS]).mean(), np.diff(beats_s[-COUNTS:]).mean()
    head = beats_s[0] - before * np.arange(int(beats_s[0] / before), 0, -1)
    tail = beats_s[-1] + after * np.arange(1, int((duration_s - beats_s[-1]) / after) + 1)
    # Refined, the first beat may come to lie a few milliseconds before the song.
    return np.concatenate((head, beats_s, tail)).clip(0, duration_s), len(head), len(tail)


def _loudness(samples: NDArray[np.float32], beats_s: Array) -> list[float]:
    bounds = (beats_s * SAMPLE_RATE_HZ).astype(int)
    # Where the first beat was clipped to the beginning of the song nothing may lie between two beats.
    return [
        float(np.sqrt(np.mean(np.square(samples[start : max(stop, start + 1)])))) for start, stop in pairwise(bounds)
    ]


def _write(analysis: Analysis, path: Path) -> None:
    path.write_text(analysis.to_json())

"""What a user corrects in what was heard: kept beside the song, obeyed whenever it is heard."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from bachateo.errors import SongError
from bachateo.files import written_aside
from bachateo.music.analysis import BAR, COUNTS, Analysis, analysis_of

SUFFIX = ".corrections.json"
LARGEST_BYTES = 10_000  # two values; what is larger was not written here
FEWEST_TAPS = 4
# The mean of the taps' places within the beat, as points on a circle: 1 if all are the same, 0 if they are anywhere.
# Taps that are 40 ms off at random have 0.9 at any tempo of bachata.
STEADY = 0.6


@dataclass(frozen=True)
class Corrections:
    """What a user says about a song.

    Attributes
    ----------
    shift_half_beat
        The beats were heard half a beat off.
    downbeat_at_s
        Somewhere near this time, in seconds, is a 1; None when the 1 was heard rightly.
    """

    shift_half_beat: bool = False
    downbeat_at_s: float | None = None


def shift_half_beat(analysis: Analysis) -> Analysis:
    """Return the analysis with every beat half a beat later, and one more before them where it fits.

    Raises
    ------
    SongError
        There is no complete eight-count then.
    """
    beats = np.array(analysis.beats_s)
    between = (beats[1:] + beats[:-1]) / 2
    head, tail = beats[0] - (beats[1] - beats[0]) / 2, beats[-1] + (beats[-1] - beats[-2]) / 2
    before, after = bool(head >= 0), bool(tail <= analysis.duration_s)
    return analysis_of(
        duration_s=analysis.duration_s,
        beats_s=np.concatenate(([head] * before, between, [tail] * after)),
        # The one that was added may itself be a 1.
        first_count=(analysis.first_count + before) % COUNTS,
        confidence=_between(analysis.confidence, before=before, after=after),
        loudness=_between(analysis.loudness, before=before, after=after),
        restarts=(restart + before for restart in analysis.restarts),
        four_beats=analysis.four_beats,
        uncertain_s=analysis.uncertain_s,
    )


def downbeat_at(analysis: Analysis, seconds: float) -> Analysis:
    """Return the analysis counted so that the beat nearest to ``seconds`` is a 1.

    Where the count begins anew it still does, as many beats earlier or later as this 1.

    Raises
    ------
    SongError
        ``seconds`` is not within the song, or there is no complete eight-count then.
    """
    if not 0 <= seconds <= analysis.duration_s:
        raise SongError(
            "CH014",
            f"a 1 at {seconds} s: the song lasts from 0 to {analysis.duration_s:.1f} s. "
            "Give a time within it, or clear the corrections.",
        )
    nearest = int(np.abs(np.array(analysis.beats_s) - seconds).argmin())
    begins = (analysis.first_count, *analysis.restarts)
    here = max((begin for begin in begins if begin <= nearest), default=begins[0])
    # The nearer 1 moves: at most four beats.
    later = (nearest - here + BAR - 1) % COUNTS - (BAR - 1)
    restarts = [restart + later for restart in analysis.restarts]
    return analysis_of(
        duration_s=analysis.duration_s,
        beats_s=np.array(analysis.beats_s),
        first_count=(analysis.first_count + later) % COUNTS,
        confidence=analysis.confidence,
        loudness=analysis.loudness,
        restarts=[restart for restart in restarts if COUNTS <= restart < len(analysis.beats_s)],
        four_beats=analysis.four_beats,
        uncertain_s=analysis.uncertain_s,
    )


def apply_corrections(analysis: Analysis, corrections: Corrections) -> Analysis:
    """Return the analysis as the user wants it: shifted first, then counted from the 1.

    Raises
    ------
    SongError
        As :func:`shift_half_beat` and :func:`downbeat_at`.
    """
    if corrections.shift_half_beat:
        analysis = shift_half_beat(analysis)
    if corrections.downbeat_at_s is not None:
        analysis = downbeat_at(analysis, corrections.downbeat_at_s)
    return analysis


def corrections_from_taps(analysis: Analysis, taps_s: Iterable[float]) -> Corrections:
    """Return the corrections with which the beats fall where a dancer tapped along.

    Parameters
    ----------
    analysis
        What was heard, not corrected.
    taps_s
        When they tapped, in seconds of the song: on the beats, or a bar or an eight-count apart on the 1s. Then the
        first tap is a 1.

    Raises
    ------
    SongError
        There are too few taps, some lie outside the song, or they keep no distance to the beats that were heard.
    """
    taps, beats = np.unique(np.array([*taps_s], float)), np.array(analysis.beats_s)
    if len(taps) < FEWEST_TAPS or not (0 <= taps[0] <= taps[-1] <= analysis.duration_s):
        raise SongError(
            "CH016",
            f"{len(taps)} different taps within a song of {analysis.duration_s:.1f} s are needed to find its beats: "
            f"tap along on at least {FEWEST_TAPS} beats, or clear the corrections.",
        )
    places = np.interp(taps, beats, np.arange(len(beats)))  # in beats
    mean = np.exp(2j * np.pi * places).mean()
    if abs(mean) < STEADY:
        raise SongError(
            "CH016",
            "the taps do not go with the beats that were heard, nor between them. "
            "Tap on every beat, for a few bars, or clear the corrections.",
        )
    # A quarter of a beat to either side is nearer to the beat than to what lies between two.
    shift = abs(float(np.angle(mean))) > np.pi / 2
    on_ones = round(float(np.median(np.diff(places)))) in {BAR, COUNTS}
    return Corrections(shift_half_beat=shift, downbeat_at_s=round(float(taps[0]), 3) if on_ones else None)


def corrections_path(song: Path) -> Path:
    """Return where the corrections of a song are: ``song.mp3.corrections.json`` beside it."""
    return song.with_name(song.name + SUFFIX)


def read_corrections(song: Path) -> Corrections:
    """Return the corrections beside a song, or none where there is no such file.

    Raises
    ------
    SongError
        The file was not written by :func:`save_corrections`.
    """
    path = corrections_path(song)
    if not path.exists():
        return Corrections()
    try:
        values = json.loads(path.read_text() if path.stat().st_size <= LARGEST_BYTES else "")
        return _checked(values)
    except (OSError, ValueError, TypeError) as error:
        raise SongError(
            "CH013",
            f"the corrections in {path.name} cannot be read: {error}. "
            f'Expected {{"shift_half_beat": true or false, "downbeat_at_s": seconds or null}}. '
            "Correct the file or remove it.",
        ) from error


def save_corrections(song: Path, corrections: Corrections) -> None:
    """Write the corrections beside a song, or remove them where there is nothing to correct."""
    path = corrections_path(song)
    if corrections == Corrections():
        path.unlink(missing_ok=True)
        return
    with written_aside(path) as aside:
        aside.write_text(json.dumps(asdict(corrections)))


def _checked(values: object) -> Corrections:
    if not isinstance(values, dict) or set(values) != {"shift_half_beat", "downbeat_at_s"}:
        raise ValueError("it has other fields")
    shift, at_s = values["shift_half_beat"], values["downbeat_at_s"]
    if not isinstance(shift, bool):
        raise TypeError(f"shift_half_beat is {shift!r}")
    number = isinstance(at_s, int | float) and not isinstance(at_s, bool)
    if at_s is not None and not (number and math.isfinite(at_s) and at_s >= 0):
        raise ValueError(f"downbeat_at_s is {at_s!r}")
    return Corrections(shift, None if at_s is None else float(at_s))


def _between(values: tuple[float, ...], *, before: bool, after: bool) -> list[float]:
    if not values:
        return []
    means = [(this + following) / 2 for this, following in pairwise(values)]
    return [values[0]] * before + means + [values[-1]] * after

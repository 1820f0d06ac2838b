"""The beats of a clip, heard in its own sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bachateo.errors import ClipError, SongError
from bachateo.media.opening import FILM_FORMATS, clock_start_s
from bachateo.media.song_file import LONGEST_S
from bachateo.media.sound import frames_of, open_sound, resampled
from bachateo.moves.ingest.landmarks import landmarks
from bachateo.music.analysis import Analysis
from bachateo.music.analyzing import analyze_samples
from bachateo.music.song import SAMPLE_RATE_HZ, SILENCE_PEAK, DecodedSong

# The tracker lets the beat go on until the sound ends. A clip that is cut on its last beat ends a few milliseconds
# too early for the beat after it, on which the move ends.
SILENCE_S = 1.0
# A band that drifts changes the time between two beats by a hundredth; a tracker that guesses, by a third.
STEADY_FRACTION = 0.15
# What each refusal of a song means for a clip; all others mean that it cannot be decoded.
REASONS = {"CH004": "CH087", "CH015": "CH095", "CH009": "CH088", "CH012": "CH089"}
SHORTEST_S = 8 * 60 / 175  # one eight-count at the fastest tempo that is tracked
ADVICE = {
    "CH087": "has no sound to hear its beats in. Export it with its music.",
    "CH088": "has no steady beat. Export it with its music, or note the times of its beats as beats_s.",
    "CH089": "is shorter than one eight-count. Give a longer clip.",
    "CH090": "has sound that cannot be decoded",
    "CH095": "is no ordinary film",
}


@dataclass(frozen=True)
class Heard:
    """What was heard in a clip.

    Attributes
    ----------
    beats_s
        When each beat falls, in the time of the film.
    first_count
        Index in ``beats_s`` of the first beat that is a 1.
    confidence
        How clearly each beat was heard, 0 to 1; empty when the tracker does not say.
    bar_scores
        How much it sounds like bars from each half beat of them on, as :class:`bachateo.music.analysis.Analysis` says.
    count_confidence
        How sure it is that its 1 is no 5, 0.5 to 1.
    landmarks
        As :func:`bachateo.moves.ingest.landmarks.landmarks` says.
    """

    beats_s: tuple[float, ...]
    first_count: int
    confidence: tuple[float, ...]
    bar_scores: tuple[float, ...]
    count_confidence: float
    landmarks: tuple[int, ...]


def hear_clip(path: Path) -> Heard:
    """Hear the beats of a clip.

    Raises
    ------
    ClipError
        It has no sound (CH087), no steady beat (CH088), is too short (CH089) or cannot be decoded (CH090).
    """
    late_s = sound_start_s(path)
    try:
        samples = clip_sound(path, sample_format="flt", layout="mono", rate_hz=SAMPLE_RATE_HZ)[0]
        _refuse_unheard(path, samples)
        silence = np.zeros(int(SILENCE_S * SAMPLE_RATE_HZ), np.float32)
        analysis = analyze_samples(DecodedSong(np.concatenate((samples, silence))))
    except SongError as error:
        raise _refused(path, error) from error
    _refuse_unsteady(path, analysis)
    return Heard(
        tuple(round(late_s + beat_s, 4) for beat_s in analysis.beats_s),
        analysis.first_count,
        analysis.confidence,
        analysis.bar_scores,
        analysis.count_confidence[0],
        tuple(landmarks(samples, late_s)),
    )


def _refuse_unsteady(path: Path, analysis: Analysis) -> None:
    steps_s = np.diff(analysis.beats_s)
    if np.abs(steps_s / np.median(steps_s) - 1).max() > STEADY_FRACTION:
        raise ClipError("CH088", f"{path.name} {ADVICE['CH088']}")


def _refuse_unheard(path: Path, samples: NDArray[np.float32]) -> None:
    if not len(samples) or np.abs(samples).max() < SILENCE_PEAK:
        raise ClipError("CH087", f"{path.name} {ADVICE['CH087']}")
    if len(samples) < SHORTEST_S * SAMPLE_RATE_HZ:
        raise ClipError("CH089", f"{path.name} {ADVICE['CH089']}")


def _refused(path: Path, error: SongError) -> ClipError:
    code = REASONS.get(error.code, "CH090")
    detail = f" ({error.message})" if code in {"CH090", "CH095"} else ""
    return ClipError(code, f"{path.name} {ADVICE[code]}{detail}")


def clip_sound(
    path: Path, *, sample_format: str, layout: str, rate_hz: int, stop_s: float = LONGEST_S
) -> NDArray[np.float32]:
    """Return the sound of a film up to ``stop_s``, shape ``(channels, samples)``.

    Parameters
    ----------
    path
        The film.
    sample_format, layout
        As FFmpeg names them: ``flt`` and ``mono``.
    rate_hz
        Samples per second.
    stop_s
        Where to stop, in seconds.

    Raises
    ------
    SongError
        It has none, or none that can be decoded.
    """
    parts, length = [np.zeros((1 if layout == "mono" else 2, 0), np.float32)], 0
    with open_sound(path, FILM_FORMATS) as (_, stream):
        frames = frames_of(stream, path, None, LONGEST_S)
        for frame in resampled(frames, sample_format=sample_format, layout=layout, rate_hz=rate_hz):
            parts.append(frame.to_ndarray().astype(np.float32, copy=False))
            length += frame.samples
            if length >= stop_s * rate_hz:
                break
    return np.concatenate(parts, axis=1)


def sound_start_s(path: Path) -> float:
    """Return when the first sample of the sound is heard, by the time that a player shows, in seconds.

    Raises
    ------
    ClipError
        CH087: it has no sound. CH090: it cannot be decoded.
    """
    try:
        with open_sound(path, FILM_FORMATS) as (container, stream):
            first = next(frames_of(stream, path, None, LONGEST_S), None)
            return (first.time or 0.0) - clock_start_s(container) if first else 0.0
    except SongError as error:
        raise _refused(path, error) from error

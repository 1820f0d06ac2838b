"""The beats of a clip, heard in its own sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from choreographer.errors import ClipError, SongError
from choreographer.moves.ingest.pictures import OPTIONS
from choreographer.music.analysis import Analysis, analyze_samples
from choreographer.music.song import SAMPLE_RATE_HZ, Song, read_song

# The tracker lets the beat go on until the sound ends. A clip that is cut on its last beat ends a few milliseconds
# too early for the beat after it, on which the move ends.
SILENCE_S = 1.0
# A band that drifts changes the time between two beats by a hundredth; a tracker that guesses, by a third.
STEADY_FRACTION = 0.15
# What each refusal of a song means for a clip; all others mean that it cannot be decoded.
REASONS = {"CH004": "CH087", "CH005": "CH087", "CH006": "CH089", "CH009": "CH088", "CH012": "CH089"}
ADVICE = {
    "CH087": "has no sound to hear its beats in. Export it with its music.",
    "CH088": "has no steady beat. Export it with its music, or note the times of its beats as beats_s.",
    "CH089": "is shorter than one eight-count. Give a longer clip.",
    "CH090": "has sound that cannot be decoded",
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
    """

    beats_s: tuple[float, ...]
    first_count: int
    confidence: tuple[float, ...]


def hear_clip(path: Path) -> Heard:
    """Hear the beats of a clip.

    Raises
    ------
    ClipError
        It has no sound (CH087), no steady beat (CH088), is too short (CH089) or cannot be decoded (CH090).
    """
    late_s = sound_start_s(path)
    try:
        samples = read_song(path).samples
        silence = np.zeros(int(SILENCE_S * SAMPLE_RATE_HZ), np.float32)
        analysis = analyze_samples(Song(np.concatenate((samples, silence))))
    except SongError as error:
        code = REASONS.get(error.code, "CH090")
        detail = f" ({error.message})" if code == "CH090" else ""
        raise ClipError(code, f"{path.name} {ADVICE[code]}{detail}") from error
    except av.FFmpegError as error:
        raise _undecodable(path, error) from error
    _refuse_unsteady(path, analysis)
    return Heard(
        tuple(round(late_s + beat_s, 4) for beat_s in analysis.beats_s), analysis.first_count, analysis.confidence
    )


def _refuse_unsteady(path: Path, analysis: Analysis) -> None:
    steps_s = np.diff(analysis.beats_s)
    if np.abs(steps_s / np.median(steps_s) - 1).max() > STEADY_FRACTION:
        raise ClipError("CH088", f"{path.name} {ADVICE['CH088']}")


def _undecodable(path: Path, error: av.FFmpegError) -> ClipError:
    return ClipError("CH090", f"{path.name} {ADVICE['CH090']} ({error.strerror}). Export it again.")


def sound_start_s(path: Path) -> float:
    """Return when the first sample of the sound is heard in the time of the film, in seconds.

    Raises
    ------
    ClipError
        CH087: it has no sound. CH090: it cannot be decoded.
    """
    try:
        with av.open(str(path), options=OPTIONS) as container:
            if not container.streams.audio:
                raise ClipError("CH087", f"{path.name} {ADVICE['CH087']}")
            first = next(container.decode(container.streams.audio[0]), None)
    except av.FFmpegError as error:
        raise _undecodable(path, error) from error
    return first.time or 0.0 if first else 0.0

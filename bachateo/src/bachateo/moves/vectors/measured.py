"""What was measured in a clip, kept beside it: the vector of its sound, and the poses of its dancers."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bachateo.errors import SearchError, SongError
from bachateo.files import written_aside
from bachateo.moves.poses import Track, normalise_track
from bachateo.moves.vectors.posing import PoseModel
from bachateo.moves.vectors.sound import Vector, describe_sound
from bachateo.music.song import read_sound

VERSION = 1  # of what is measured; measurements of another version are made again
SUFFIX = ".measured.npz"


@dataclass(frozen=True)
class Measured:
    """What is known about a clip besides its document.

    Attributes
    ----------
    audio
        As :func:`bachateo.moves.vectors.sound.describe_sound` gives it; ``None`` when the clip has no sound.
    track
        The poses, see :mod:`bachateo.moves.poses`; ``None`` when no model has looked for them.
    processing_time
        Seconds that making the clip took.
    """

    audio: Vector | None = None
    track: Track | None = None
    processing_time: float = 0.0


def measured_path(clip: Path) -> Path:
    """Return where the measurements of a clip are kept."""
    return clip.with_suffix(SUFFIX)


def write_measured(clip: Path, measured: Measured) -> None:
    """Keep the measurements of a clip beside it."""
    known = {"audio": measured.audio, "track": measured.track}
    arrays: dict[str, Any] = {name: np.asarray(value, np.float32) for name, value in known.items() if value is not None}
    with written_aside(measured_path(clip)) as aside, aside.open("wb") as file:
        np.savez(file, version=VERSION, processing_time=measured.processing_time, **arrays)


def read_measured(clip: Path) -> Measured | None:
    """Return the measurements of a clip, or ``None`` when there are none of this version.

    Raises
    ------
    SearchError
        The file is damaged.
    """
    path = measured_path(clip)
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if int(kept["version"]) != VERSION:
                return None
            track = np.asarray(kept["track"], np.float64) if "track" in kept else None
            return Measured(kept.get("audio"), track, float(kept["processing_time"]))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise SearchError("CH106", f"{path} cannot be read ({error}). Delete it; it is measured again.") from error


def measure_clip(clip: Path, beats_s: tuple[float, ...], pose_model: PoseModel | None) -> Measured:
    """Return what is kept about a clip, after measuring what is missing and can be measured.

    Parameters
    ----------
    clip
        The clip; its own sound is described, if it has any.
    beats_s
        When its beats fall and when it ends: the poses are looked for twice on each beat.
    pose_model
        Finds the dancers; without one, no poses are measured.
    """
    kept = read_measured(clip)
    measured = kept or Measured(audio=_own_sound(clip))
    if measured.track is None and pose_model is not None:
        measured = replace(measured, track=_found_track(clip, beats_s, pose_model))
    if measured is not kept:
        write_measured(clip, measured)
    return measured


def _found_track(clip: Path, beats_s: tuple[float, ...], pose_model: PoseModel) -> Track:
    halves = np.arange(2 * len(beats_s) - 1) / 2
    times_s = np.interp(halves, np.arange(len(beats_s)), beats_s)
    try:
        # Rounded as in the file, or the vectors would differ in the last digit next time.
        track = np.asarray(pose_model.track(clip, times_s.tolist()), np.float32).astype(np.float64)
        normalise_track(track)
    except Exception as error:
        raise SearchError("CH109", f"the pose model found no poses in {clip}: {error}. Mend or remove it.") from error
    if len(track) != len(times_s):
        raise SearchError(
            "CH109", f"the pose model found {len(track)} poses in {clip}; it was asked for {len(times_s)}. Mend it."
        )
    return track


def _own_sound(clip: Path) -> Vector | None:
    try:
        return describe_sound(read_sound(clip).samples)
    except (SongError, SearchError):
        # Silent, or no sound at all: such a move is found by text and motion, not by music.
        return None

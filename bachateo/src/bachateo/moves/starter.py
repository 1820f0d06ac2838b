"""The starter library: every move of the repertoire, drawn at every tempo, in one folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from bachateo.errors import LibraryError
from bachateo.files import written_aside
from bachateo.machine import number_of_cores
from bachateo.moves.drawing.encoding import FRAMES_PER_BEAT, encode_parts, frame_rate, retime_clip
from bachateo.moves.drawing.measuring import scene_track, silent_move_sound
from bachateo.moves.drawing.pattern import Pattern
from bachateo.moves.drawing.repertoire import REPERTOIRE
from bachateo.moves.drawing.repertoire.wording import WARDROBE, WORDING, Wording
from bachateo.moves.drawing.scene import Scene, empty_stage
from bachateo.moves.encoding import ENDING
from bachateo.moves.library import INDEX_NAME, Library, Move
from bachateo.moves.poses import Track, end_poses
from bachateo.moves.vectors.measured import SUFFIX, Measured, measured_path, read_measured, write_measured

VERSION = 3  # of the drawings; a library of another version is drawn anew
SIZE = (960, 540)
# Stretched by 0.85 to 1.18, these tempi reach every song from 92 to 177 bpm.
TEMPI_BPM = (108, 128, 150)
STAMP_NAME = ".drawn"

Progress = Callable[[int, int], None]


def draw_starter(
    folder: Path,
    *,
    size: tuple[int, int] = SIZE,
    tempi_bpm: Sequence[int] = TEMPI_BPM,
    repertoire: Sequence[Pattern] = REPERTOIRE,
    on_progress: Progress | None = None,
) -> Library:
    """Draw the starter library, or what is missing of it.

    Parameters
    ----------
    folder
        Where the library shall be: new, empty, or drawn before.
    size
        Width and height of the pictures in pixels, both even.
    tempi_bpm
        The tempi at which each move shall be there, in beats per minute.
    repertoire
        What to draw.
    on_progress
        Called with the number of moves that are drawn and that there are.

    Returns
    -------
    Library
        The complete library. When it was complete already, nothing is written.

    Raises
    ------
    LibraryError
        The folder holds a library that is not drawn: it is left alone.
    """
    stamp = f"drawn-{VERSION}-{size[0]}x{size[1]}"
    _refuse_other_library(folder)
    if not (folder / STAMP_NAME).is_file() or (folder / STAMP_NAME).read_text() != stamp:
        _start_anew(folder, stamp)
    missing = [p for p in repertoire if not all(_clip(folder, p, bpm).is_file() for bpm in tempi_bpm)]
    took_s = _draw_all(missing, folder, size, tempi_bpm, on_progress or _tell_nobody) if missing else {}
    began = datetime.fromtimestamp(int((folder / STAMP_NAME).stat().st_mtime), UTC).isoformat()
    measured = {p.label: _measure(p, folder, tempi_bpm, took_s.get(p.label, 0.0)) for p in repertoire}
    moves = (_move(p, bpm, stamp, *measured[p.label]) for p in repertoire for bpm in tempi_bpm)
    wanted = Library(folder, tuple(replace(move, created_at=began) for move in moves))
    if not (folder / INDEX_NAME).is_file() or Library.load(folder).moves != wanted.moves:
        wanted.save()
    return Library.load(folder)


def starter_moves() -> tuple[Move, ...]:
    """Return the moves of the whole starter library as it describes them, without drawing any."""
    tracks = {pattern.label: scene_track(pattern) for pattern in REPERTOIRE}
    return tuple(_move(p, bpm, STAMP_NAME, tracks[p.label], 0.0) for p in REPERTOIRE for bpm in TEMPI_BPM)


def _tell_nobody(_done: int, _total: int) -> None:
    pass


def _draw_all(
    patterns: Sequence[Pattern], folder: Path, size: tuple[int, int], tempi_bpm: Sequence[int], on_progress: Progress
) -> Mapping[str, float]:
    """Draw moves, and return how many seconds each took."""
    on_progress(0, len(patterns))
    took_s: dict[str, float] = {}
    workers = min(number_of_cores(), len(patterns))
    # Spawned, since the caller may have threads, which a fork would leave half-alive.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # The long ones first, so that no core is left waiting for one at the end.
        ordered = sorted(patterns, key=lambda pattern: -pattern.beats)
        drawing = {pool.submit(_draw, pattern, folder, size, tuple(tempi_bpm)): pattern.label for pattern in ordered}
        for done, finished in enumerate(as_completed(drawing), 1):
            took_s[drawing[finished]] = finished.result()
            on_progress(done, len(patterns))
    return took_s


def _draw(pattern: Pattern, folder: Path, size: tuple[int, int], tempi_bpm: Sequence[int]) -> float:
    began = time.perf_counter()
    first, *others = (_clip(folder, pattern, bpm) for bpm in tempi_bpm)
    encode_parts(Scene(pattern, size).parts(FRAMES_PER_BEAT), first, backdrop=empty_stage(size), tempo_bpm=tempi_bpm[0])
    for path, bpm in zip(others, tempi_bpm[1:], strict=True):
        retime_clip(first, path, tempo_bpm=bpm)
    return round(time.perf_counter() - began, 3)


def _measure(pattern: Pattern, folder: Path, tempi_bpm: Sequence[int], took_s: float) -> tuple[Track, float]:
    """Return the poses of a move and how many seconds it took to draw, as they are kept beside its clips.

    What an older version has drawn is measured when it is missing, not drawn anew.
    """
    clips = {bpm: _clip(folder, pattern, bpm) for bpm in tempi_bpm}
    first = clips[tempi_bpm[0]]
    kept = read_measured(first) if all(measured_path(clip).is_file() for clip in clips.values()) else None
    if kept is not None and kept.track is not None:
        return kept.track, kept.processing_time
    # Rounded as in the file, or the poses would differ in the last digit next time.
    track = scene_track(pattern).astype(np.float32).astype(np.float64)
    each_s = took_s / len(clips)
    # The first is written last, so that it stands for all of them.
    for bpm, clip in reversed(clips.items()):
        write_measured(clip, Measured(silent_move_sound(bpm, pattern.energy), track, each_s))
    return track, each_s


def _move(pattern: Pattern, tempo_bpm: int, stamp: str, track: Track, took_s: float) -> Move:
    rate, words = frame_rate(tempo_bpm), WORDING.get(pattern.label, Wording("", ""))
    start_pose, end_pose = end_poses(track)
    return Move(
        clip_id=f"{_slug(pattern)}_{tempo_bpm}",
        move_label=_slug(pattern),
        difficulty=pattern.difficulty,
        energy_level=pattern.energy,
        lead_follow_roles=pattern.roles,
        estimated_tempo=float(tempo_bpm),
        quality_score=1.0,
        frame_count=pattern.beats * FRAMES_PER_BEAT + ENDING,
        video_path=str(_clip(Path(), pattern, tempo_bpm)),
        version=stamp,
        beats=pattern.beats,
        beats_s=tuple(round(float(beat * FRAMES_PER_BEAT / rate), 6) for beat in range(pattern.beats + 1)),
        role=pattern.role,
        description=words.description,
        style=words.style,
        wardrobe=WARDROBE,
        start_pose=start_pose,
        end_pose=end_pose,
        film=_slug(pattern),
        detection_rate=1.0,
        processing_time=took_s,
    )


def _clip(folder: Path, pattern: Pattern, tempo_bpm: int) -> Path:
    return folder / pattern.group / f"{_slug(pattern)}_{tempo_bpm}.mp4"


def _slug(pattern: Pattern) -> str:
    return pattern.label.replace(" ", "_")


def _refuse_other_library(folder: Path) -> None:
    if (folder / INDEX_NAME).is_file() and not (folder / STAMP_NAME).is_file():
        raise LibraryError(
            "CH034",
            f"{folder} holds a library that is not the starter library; it was left alone. Choose an empty folder.",
        )


def _start_anew(folder: Path, stamp: str) -> None:
    """Remove the drawings of another version; the stamp is written before any clip, so none is taken for new."""
    if (folder / STAMP_NAME).is_file():
        (folder / INDEX_NAME).unlink(missing_ok=True)
        for drawn in (*folder.glob("*/*.mp4"), *folder.glob(f"*/*{SUFFIX}")):
            drawn.unlink()
    with written_aside(folder / STAMP_NAME) as aside:
        aside.write_text(stamp)

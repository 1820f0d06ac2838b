"""The starter library: every move of the repertoire, drawn at every tempo, in one folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from choreographer.errors import LibraryError
from choreographer.files import written_aside
from choreographer.moves.drawing.encoding import FRAMES_PER_BEAT, encode_parts, frame_rate, retime_clip
from choreographer.moves.drawing.pattern import Pattern
from choreographer.moves.drawing.repertoire import REPERTOIRE
from choreographer.moves.drawing.scene import Scene, empty_stage
from choreographer.moves.library import INDEX_NAME, Library, Move

VERSION = 2  # of the drawings; a library of another version is drawn anew
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
    wanted = Library(folder, tuple(_move(pattern, bpm, stamp) for pattern in repertoire for bpm in tempi_bpm))
    _refuse_other_library(folder)
    if not (folder / STAMP_NAME).is_file() or (folder / STAMP_NAME).read_text() != stamp:
        _start_anew(folder, stamp)
    missing = [p for p in repertoire if not all(_clip(folder, p, bpm).is_file() for bpm in tempi_bpm)]
    if missing:
        _draw_all(missing, folder, size, tempi_bpm, on_progress or _tell_nobody)
    if not (folder / INDEX_NAME).is_file() or Library.load(folder).moves != wanted.moves:
        wanted.save()
    return Library.load(folder)


def _tell_nobody(_done: int, _total: int) -> None:
    pass


def _draw_all(
    patterns: Sequence[Pattern], folder: Path, size: tuple[int, int], tempi_bpm: Sequence[int], on_progress: Progress
) -> None:
    on_progress(0, len(patterns))
    workers = min(len(os.sched_getaffinity(0)), len(patterns))
    # Spawned, since the caller may have threads, which a fork would leave half-alive.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # The long ones first, so that no core is left waiting for one at the end.
        ordered = sorted(patterns, key=lambda pattern: -pattern.beats)
        drawing = [pool.submit(_draw, pattern, folder, size, tuple(tempi_bpm)) for pattern in ordered]
        for done, finished in enumerate(as_completed(drawing), 1):
            finished.result()
            on_progress(done, len(patterns))


def _draw(pattern: Pattern, folder: Path, size: tuple[int, int], tempi_bpm: Sequence[int]) -> None:
    first, *others = (_clip(folder, pattern, bpm) for bpm in tempi_bpm)
    encode_parts(Scene(pattern, size).parts(FRAMES_PER_BEAT), first, backdrop=empty_stage(size), tempo_bpm=tempi_bpm[0])
    for path, bpm in zip(others, tempi_bpm[1:], strict=True):
        retime_clip(first, path, tempo_bpm=bpm)


def _move(pattern: Pattern, tempo_bpm: int, stamp: str) -> Move:
    rate = frame_rate(tempo_bpm)
    return Move(
        clip_id=f"{_slug(pattern)}_{tempo_bpm}",
        move_label=_slug(pattern),
        difficulty=pattern.difficulty,
        energy_level=pattern.energy,
        lead_follow_roles=pattern.roles,
        estimated_tempo=float(tempo_bpm),
        quality_score=1.0,
        frame_count=pattern.beats * FRAMES_PER_BEAT,
        video_path=str(_clip(Path(), pattern, tempo_bpm)),
        version=stamp,
        beats=pattern.beats,
        beats_s=tuple(round(float(beat * FRAMES_PER_BEAT / rate), 6) for beat in range(pattern.beats + 1)),
        role=pattern.role,
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
        for clip in folder.glob("*/*.mp4"):
            clip.unlink()
    with written_aside(folder / STAMP_NAME) as aside:
        aside.write_text(stamp)

"""What a teacher would call out, as WebVTT: counts and names of the moves, and the moves as chapters.

Notes
-----
WebVTT: https://www.w3.org/TR/webvtt1/. Times have milliseconds; a cue's text must not hold ``-->`` nor a blank
line, and ``&``, ``<`` and ``>`` are written as entities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import pairwise
from pathlib import Path

from bachateo.files import written_aside
from bachateo.video.timeline import Timeline

Cue = tuple[float, float, str]  # from, to, in seconds, and what is said


def captions_of(timeline: Timeline) -> str:
    """Return a caption track: each beat's count below the name of the move, from the first move to the song's end."""
    return _track(_counts(timeline))


def chapters_of(timeline: Timeline) -> str:
    """Return a chapter track: one chapter a move, from the beginning of the song to its end."""
    starts_s = [0.0, *(move.start_s for move in timeline.moves[1:]), timeline.duration_s]
    return _track(
        (start, end, move.label) for (start, end), move in zip(pairwise(starts_s), timeline.moves, strict=True)
    )


def write_captions(timeline: Timeline, captions: Path, chapters: Path) -> None:
    """Write both tracks, each whole or not at all.

    Parameters
    ----------
    timeline
        What is danced when.
    captions, chapters
        The two WebVTT files to write.
    """
    for path, text in ((captions, captions_of(timeline)), (chapters, chapters_of(timeline))):
        with written_aside(path) as aside:
            aside.write_text(text, encoding="utf-8")


def _counts(timeline: Timeline) -> Iterator[Cue]:
    moves = iter([*timeline.moves[1:], None])
    move, following = timeline.moves[0], next(moves)
    ends_s = [beat.time_s for beat in timeline.beats[1:]] + [timeline.duration_s]
    for beat, end_s in zip(timeline.beats, ends_s, strict=True):
        while following and beat.time_s >= following.start_s:
            move, following = following, next(moves)
        if beat.time_s >= move.start_s:
            yield beat.time_s, end_s, f"{move.label}\n{beat.count}"


def _track(cues: Iterable[Cue]) -> str:
    # A cue needs a length.
    shown = ((_stamp(start), _stamp(end), text) for start, end, text in cues)
    blocks = (f"{start} --> {end}\n{_text(text)}\n" for start, end, text in shown if start < end)
    return "\n".join(["WEBVTT\n", *blocks])


def _text(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.splitlines())
    return escape("\n".join(line for line in lines if line), quote=False)


def _stamp(time_s: float) -> str:
    seconds, milliseconds = divmod(round(time_s * 1000), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"

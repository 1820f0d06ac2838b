"""What belongs to a video and lies beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

from bachateo.files import written_aside
from bachateo.sequence import Plan
from bachateo.video.captions import captions_of, chapters_of
from bachateo.video.thumbnail import write_thumbnail
from bachateo.video.timeline import timeline_of


@dataclass(frozen=True)
class Sidecars:
    """Where the sidecars of a video are.

    Attributes
    ----------
    timeline
        Beats, counts and moves, JSON; :class:`bachateo.video.Timeline` reads it.
    captions, chapters
        WebVTT tracks for a player.
    thumbnail
        A JPEG.
    """

    timeline: Path
    captions: Path
    chapters: Path
    thumbnail: Path

    @classmethod
    def beside(cls, video: Path) -> Self:
        """Return files in the same folder that begin with the name of the video."""
        endings = (".timeline.json", ".captions.vtt", ".chapters.vtt", ".jpg")
        return cls(*(video.with_name(video.stem + ending) for ending in endings))

    @classmethod
    def inside(cls, folder: Path) -> Self:
        """Return ``timeline.json``, ``captions.vtt``, ``chapters.vtt`` and ``thumbnail.jpg`` in a folder."""
        return cls(*(folder / name for name in ("timeline.json", "captions.vtt", "chapters.vtt", "thumbnail.jpg")))


@contextmanager
def sidecars_aside(plan: Plan, song: str, sidecars: Sidecars) -> Iterator[None]:
    """Write the sidecars aside; they appear together when the block, which makes the video, succeeds.

    Parameters
    ----------
    plan
        What is danced.
    song
        Title of the song.
    sidecars
        Where they shall be.
    """
    timeline = timeline_of(plan, song)
    with ExitStack() as stack:
        *texts, thumbnail = (stack.enter_context(written_aside(path)) for path in astuple(sidecars))
        for path, text in zip(texts, (timeline.to_json(), captions_of(timeline), chapters_of(timeline)), strict=True):
            path.write_text(text, encoding="utf-8")
        write_thumbnail(plan, thumbnail)
        yield

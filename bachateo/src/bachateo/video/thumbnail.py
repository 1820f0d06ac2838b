"""One picture that stands for the video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import av

from bachateo.errors import VideoError
from bachateo.files import written_aside
from bachateo.sequence import PlacedMove, Plan

if TYPE_CHECKING:
    from PIL import Image

WIDTH = 640
QUALITY = 82


def write_thumbnail(plan: Plan, path: Path, *, width: int = WIDTH) -> None:
    """Write a JPEG of the move in the middle of the song, halfway through that move.

    Parameters
    ----------
    plan
        What is danced.
    path
        The JPEG to write, whole or not at all.
    width
        In pixels; pictures that are smaller are left as they are.

    Raises
    ------
    VideoError
        The clip cannot be decoded.

    Notes
    -----
    Decoded from the clip of the library, which was encoded by us at its ingest, so this needs no child.
    """
    placed = middle_move(plan)
    picture = _picture(placed.clip, placed.move.beats_s[placed.move.beats // 2])
    picture.thumbnail((width, picture.height))
    with written_aside(path) as aside:
        picture.save(aside, "JPEG", quality=QUALITY, optimize=True)


def middle_move(plan: Plan) -> PlacedMove:
    """Return the move that is danced in the middle of the song."""
    middle_s = plan.analysis.duration_s / 2
    return next((placed for placed in plan.moves if placed.end_s > middle_s), plan.moves[-1])


def _picture(clip: Path, time_s: float) -> Image.Image:
    # Not needed for the video alone.
    from PIL import Image  # noqa: PLC0415

    try:
        with av.open(f"file:{clip}", container_options={"protocol_whitelist": "file"}) as container:
            # Half a millisecond later, since a picture meant for the beat may be stamped a tick before it.
            container.seek(round((time_s + 0.0005) * av.time_base))
            for frame in container.decode(video=0):
                if frame.time is not None and frame.time + 0.0005 >= time_s:
                    return Image.fromarray(frame.to_ndarray(format="rgb24"))
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise _undecodable(clip, str(error)) from error
    raise _undecodable(clip, f"it ends before {time_s:.1f} s")


def _undecodable(clip: Path, why: str) -> VideoError:
    return VideoError(
        "CH064", f"the clip {clip} has no picture for the thumbnail ({why}). Normalise it again, or remove it."
    )

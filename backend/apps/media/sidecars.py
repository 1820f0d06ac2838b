"""What the engine makes beside a video: its timeline, captions, chapters and picture, and how it was made.

They lie in the folder of the video and are named after it. They have no right of their own: who may see the video may
see them, who owns it owns them, and they go when it goes. A video of the original has none.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from apps.media.folders import maker_of
from apps.media.storage import StoredFile, media
from config.errors import NotFoundError

VIDEO = ".mp4"


@dataclass(frozen=True)
class Sidecar:
    """One kind of file that lies beside a video."""

    kind: str
    ending: str  # in place of the video's
    media_type: str


TIMELINE = Sidecar("timeline", ".timeline.json", "application/json")
CAPTIONS = Sidecar("captions", ".captions.vtt", "text/vtt; charset=utf-8")
CHAPTERS = Sidecar("chapters", ".chapters.vtt", "text/vtt; charset=utf-8")
PICTURE = Sidecar("picture", ".jpg", "image/jpeg")
# From which a video is made again with one move changed; only jobs read it.
PLAN = Sidecar("plan", ".plan.json", "application/json")

SERVED = (TIMELINE, CAPTIONS, CHAPTERS, PICTURE)
SIDECARS = (*SERVED, PLAN)


def sidecar_name(video: str, sidecar: Sidecar) -> str:
    """Return the name that this sidecar of a video has or would have."""
    return video.removesuffix(VIDEO) + sidecar.ending


def sidecar_names(video: str) -> list[str]:
    """Return the names of all sidecars that a video may have; none if no job made it."""
    return [sidecar_name(video, sidecar) for sidecar in SIDECARS] if _is_made(video) else []


def video_beside(name: str) -> str | None:
    """Return the video whose sidecar has this name; None if it is no sidecar's."""
    for sidecar in SIDECARS:
        if name.endswith(sidecar.ending):
            video = name.removesuffix(sidecar.ending) + VIDEO
            return video if _is_made(video) else None
    return None


def find_sidecar(video: StoredFile, sidecar: Sidecar) -> StoredFile | None:
    """Return this sidecar of a video; None if it has none."""
    # Of an upload, the file beside it may be another user's.
    return media().find(sidecar_name(video.name, sidecar)) if _is_made(video.name) else None


def sidecar_of(video: StoredFile, sidecar: Sidecar) -> StoredFile:
    """Return this sidecar of a video. Raises NotFoundError."""
    found = find_sidecar(video, sidecar)
    if found is None:
        message = f"There is no {sidecar.kind} of this video: it was made without, or by the original."
        raise NotFoundError(message, code=f"{sidecar.kind}-missing")
    return found


def _is_made(video: str) -> bool:
    return maker_of(video) is not None and PurePosixPath(video).suffix == VIDEO

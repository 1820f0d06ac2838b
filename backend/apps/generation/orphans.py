"""Files below output/ that no row and no job names."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import result_of
from apps.collections.models import SavedChoreography
from apps.generation import files
from apps.jobs.models import Job
from apps.media.files import names_of
from apps.media.storage import StoredFile, media
from config.clock import database_now

OUTPUT = "output"


@dataclass(frozen=True)
class Orphan:
    """A file of the media storage, or the folder of a draft on this machine."""

    name: str
    size: int
    reason: str
    draft: Path | None = None


def orphans(*, min_age: timedelta) -> list[Orphan]:
    """Return the files and drafts that may be removed.

    A file younger than ``min_age`` is left alone: the original writes a video first and its row afterwards.
    """
    old_before = database_now() - min_age
    # The files are listed before the names: a row that is written in between keeps its file.
    old = [file for file in _videos() if file.modified_at < old_before]
    named = _named()
    # A file outside the storage, reached through a link, is not ours to remove.
    lost = [file for file in old if (place := media().canonical(file.name)) and place not in named]
    found = [Orphan(file.name, file.size, "no row and no job names it") for file in lost]
    return found + [_abandoned(folder) for folder in files.abandoned_drafts()]


def _videos() -> list[StoredFile]:
    return [file for file in media().files(OUTPUT) if not file.name.startswith(f"{files.DRAFTS}/")]


def _named() -> set[str | None]:
    """Return every file that a row or a job may name: by an absolute path, a relative one, or through a link."""
    saved = SavedChoreography.objects.values_list("video_path", "thumbnail_path", "user_id")
    rows = [(name, user_id) for video, thumbnail, user_id in saved for name in (video, thumbnail or "")]
    tasks = ChoreographyTask.objects.only("result", "user_id")
    rows += [(str(result_of(task).get("video_path", "")), task.user_id) for task in tasks]
    names = {name for row, user_id in rows for name in names_of(row, owner_id=user_id)}
    for job in Job.objects.exclude(outcome=Job.Outcome.FAILED).exclude(outcome=Job.Outcome.CANCELLED):
        names.add(files.video_name(job.pk, user_id=job.user_id))
    return {media().canonical(name) for name in names}


def _abandoned(folder: Path) -> Orphan:
    size = sum(part.stat().st_size for part in folder.rglob("*") if part.is_file())
    return Orphan(f"{files.DRAFTS}/{folder.name}", size, "draft of an attempt that is over", draft=folder)


def remove(orphan: Orphan) -> None:
    """Remove it. No row is touched."""
    if orphan.draft:
        files.remove_draft(orphan.draft)
    else:
        media().delete(orphan.name)

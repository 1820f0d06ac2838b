"""Files below output/ that no row and no job names."""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from apps.choreography import files
from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import result_of
from apps.collections.models import SavedChoreography
from apps.jobs.models import Job


@dataclass(frozen=True)
class Orphan:
    path: Path
    size: int
    reason: str


def orphans(*, min_age: timedelta) -> list[Orphan]:
    """Return the files and drafts that may go.

    A file younger than ``min_age`` is left alone: the original writes a video first and its row afterwards.
    """
    old_before = (timezone.now() - min_age).timestamp()
    # First the files, then the names: a row that is written in between keeps its file.
    old = [path for path in _videos() if path.stat().st_mtime < old_before]
    named = _named()
    found = [_orphan(path, "no row and no job names it") for path in old if os.path.realpath(path) not in named]
    abandoned = [_orphan(folder, "draft of an attempt that is over") for folder in files.abandoned_drafts()]
    return found + abandoned


def _videos() -> list[Path]:
    drafts = files.drafts_folder()
    inside = sorted(files.output_folder().rglob("*"))
    return [path for path in inside if path.is_file() and not path.is_relative_to(drafts)]


def _named() -> set[str]:
    """Return every file that a row or a job names, however untidily: absolute, relative, through a link."""
    names = set(SavedChoreography.objects.values_list("video_path", flat=True))
    names |= set(SavedChoreography.objects.exclude(thumbnail_path=None).values_list("thumbnail_path", flat=True))
    names |= {str(result_of(task).get("video_path", "")) for task in ChoreographyTask.objects.only("result")}
    for job in Job.objects.exclude(outcome=Job.Outcome.FAILED).exclude(outcome=Job.Outcome.CANCELLED):
        names.add(str(files.video_path(job.pk, user_id=job.user_id)))
    root = Path(settings.MEDIA_ROOT)
    return {os.path.realpath(root / name) for name in names if name and "\0" not in name}


def _orphan(path: Path, reason: str) -> Orphan:
    parts = path.rglob("*") if path.is_dir() else [path]
    return Orphan(path, sum(part.stat().st_size for part in parts if part.is_file()), reason)


def remove(orphan: Orphan) -> None:
    """Remove it from the disk. No row is touched."""
    if orphan.path.is_dir():
        files.remove_draft(orphan.path)
    else:
        orphan.path.unlink(missing_ok=True)

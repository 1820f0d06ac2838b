"""Files that no row and no job names, or whose owner's account is gone."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from apps.generation import files
from apps.jobs import leases
from apps.jobs.models import Job
from apps.media.folders import OUTPUT, UPLOADS
from apps.media.namings import names_of, namings
from apps.media.owners import left_by_deleted_users, owned_uploads
from apps.media.sidecars import video_beside
from apps.media.storage import StoredFile, media
from config.clock import database_now


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
    listed = _listed()
    old = [file for file in listed if file.modified_at < old_before]
    known = _Known({file.name for file in listed}, _named(), _expected(), left_by_deleted_users())
    found = [Orphan(file.name, file.size, reason) for file in old if (reason := _reason(file.name, known))]
    return found + [_abandoned(folder) for folder in files.abandoned_drafts()]


def _listed() -> list[StoredFile]:
    """Return every file that may be removed. An upload without an owner is the staff's to judge."""
    made = [file for file in media().files(OUTPUT) if not file.name.startswith(f"{files.DRAFTS}/")]
    owned = owned_uploads()
    return made + [file for folder in UPLOADS for file in media().files(folder) if file.name in owned]


@dataclass(frozen=True)
class _Known:
    """What keeps a file, and what does not."""

    listed: set[str]
    named: set[str | None]
    expected: set[str | None]
    ownerless: set[str]


def _reason(name: str, known: _Known) -> str | None:
    place = media().canonical(name)
    if place is None:
        return None  # outside the storage, reached through a link: not ours to remove
    video = video_beside(place)
    if video and _is_gone(video, known):
        return "its video is gone"  # the original deletes the video alone
    kept = video or place
    if kept in known.ownerless:
        return "its owner's account is gone"  # rows of others that name it keep nothing
    return None if kept in known.named else "no row and no job names it"


def _is_gone(video: str, known: _Known) -> bool:
    # It may have got its name after the files were listed; so it is looked for once more.
    return video not in known.listed and video not in known.expected and media().find(video) is None


def _named() -> set[str | None]:
    """Return every file that a row or a job may name: by an absolute path, a relative one, or through a link."""
    names = {name for row in namings() for name in names_of(row.name, owner_id=row.user_id)}
    for job in Job.objects.exclude(outcome=Job.Outcome.FAILED).exclude(outcome=Job.Outcome.CANCELLED):
        names.add(files.video_name(job.pk, user_id=job.user_id))
    return {media().canonical(name) for name in names}


def _expected() -> set[str | None]:
    """Return the videos of live jobs: an attempt that was killed may have left their sidecars alone."""
    return {files.video_name(job.pk, user_id=job.user_id) for job in leases.live()}


def _abandoned(folder: Path) -> Orphan:
    size = sum(part.stat().st_size for part in folder.rglob("*") if part.is_file())
    return Orphan(f"{files.DRAFTS}/{folder.name}", size, "draft of an attempt that is over", draft=folder)


def remove(orphan: Orphan) -> None:
    """Remove it. No row is touched."""
    if orphan.draft:
        files.remove_draft(orphan.draft)
    else:
        media().delete(orphan.name)

"""The files of a generation: a draft for each attempt, one video for each task.

Each attempt writes its draft in a folder of its own. Only the holder of the lease gives the draft the task's
name, and never replaces a file of that name.
"""

import logging
import shutil
from pathlib import Path

from django.conf import settings

from apps.jobs import leases
from apps.jobs.leases import Lease
from apps.jobs.models import Job
from apps.media.folders import OUTPUT, folder_of
from apps.media.storage import media
from apps.removals import notes

log = logging.getLogger(__name__)

DRAFTS = f"{OUTPUT}/.drafts"


def drafts_folder() -> Path:
    """Return the folder of drafts. It is on this machine; if videos are too, on the same file system."""
    return Path(settings.MEDIA_ROOT, DRAFTS)


def video_name(task_id: str, *, user_id: int) -> str:
    """Return the name that the video of a task has or will have in the media storage."""
    return f"{folder_of(user_id)}/{task_id}.mp4"


def draft_folder(lease: Lease) -> Path:
    return drafts_folder() / f"{lease.task_id}.{lease.token}"


def draft_path(lease: Lease) -> Path:
    # In a folder, because a killed engine leaves a temporary file beside its draft.
    return draft_folder(lease) / "video.mp4"


def publish(lease: Lease) -> None:
    """Give the draft the task's name. Raises FileExistsError if another file has it."""
    video = video_name(lease.task_id, user_id=lease.user_id)
    try:
        media().add(video, draft_path(lease))
    except FileExistsError:
        # An earlier attempt was killed between this line and its commit; its file is whole and of the same request.
        # Or the file is this attempt's own, sent to a bucket twice because the first answer was lost.
        if lease.attempt == 1 and not media().holds(video, draft_path(lease)):
            raise


def note_video(job: Job) -> None:
    """Note that the video of a job is to be removed, in the transaction that ends the job without one.

    An attempt that was killed may have left it, or one that does not know yet may still make it.
    """
    if job.attempt:
        notes.note(video_name(job.pk, user_id=job.user_id))


def note_leftovers(lease: Lease) -> None:
    """Note that its video is to be removed, in the transaction that fails the job, before ``remove_leftovers``."""
    video = video_name(lease.task_id, user_id=lease.user_id)
    try:
        made = media().find(video) if _made(lease, video) else None
    except OSError as error:
        log.warning("%s could not be looked for: %s", video, error)
        return
    if made:
        notes.note(video, version=made.version)


def _made(lease: Lease, video: str) -> bool:
    """Return whether the file of this name is of this job: another file may have taken the name."""
    return lease.attempt > 1 or media().holds(video, draft_path(lease))


def remove_leftovers(lease: Lease) -> None:
    """Remove what an attempt leaves: its draft, and its video if no row will name it."""
    video = video_name(lease.task_id, user_id=lease.user_id)
    try:
        if _has_no_video(lease.task_id) and _made(lease, video):
            media().delete(video)
    finally:
        remove_draft(draft_folder(lease))


def _has_no_video(task_id: str) -> bool:
    # The next attempt of a live job may use the file, and a completed job names it. Other jobs have no video.
    job = Job.objects.filter(pk=task_id).first()
    return job is None or job.outcome in {Job.Outcome.FAILED, Job.Outcome.CANCELLED}


def drafts() -> list[Path]:
    return sorted(drafts_folder().iterdir()) if drafts_folder().is_dir() else []


def abandoned_drafts() -> list[Path]:
    """Return the drafts of attempts that no longer hold a lease."""
    # The folders are read before the leases: an attempt has its lease before it makes its folder.
    folders = drafts()
    held = {f"{task_id}.{token}" for task_id, token in leases.taken().values_list("task_id", "token")}
    return [folder for folder in folders if folder.name not in held]


def remove_abandoned_drafts() -> None:
    for folder in abandoned_drafts():
        remove_draft(folder)


def remove_draft(folder: Path) -> None:
    # Another worker's sweep may be removing it at the same time.
    shutil.rmtree(folder, ignore_errors=True)

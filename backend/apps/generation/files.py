"""The files of a generation: a draft for each attempt, one video for each task, and the sidecars of both.

Each attempt writes its draft in a folder of its own. Only the holder of the lease gives the draft the task's
name, and never replaces a file of that name. The sidecars get their names before the video does, so that a video
that is there has all of them.
"""

import logging
import shutil
from pathlib import Path

from django.conf import settings

from apps.jobs import leases
from apps.jobs.leases import Lease
from apps.jobs.models import Job
from apps.media.folders import OUTPUT, folder_of
from apps.media.sidecars import PICTURE, SIDECARS, Sidecar, sidecar_name, sidecar_names
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


def draft_sidecar(lease: Lease, sidecar: Sidecar) -> Path:
    """Return where an attempt writes this sidecar; what is there when the video is done is kept with it."""
    return draft_path(lease).with_name(draft_path(lease).stem + sidecar.ending)


def picture_name(lease: Lease) -> str:
    """Return the name that the picture of the video has or will have; '' without one."""
    video = video_name(lease.task_id, user_id=lease.user_id)
    return sidecar_name(video, PICTURE) if draft_sidecar(lease, PICTURE).exists() else ""


def publish(lease: Lease) -> None:
    """Give the draft the task's name, its sidecars first. Raises FileExistsError if another file has it."""
    video = video_name(lease.task_id, user_id=lease.user_id)
    if lease.attempt > 1:
        if media().find(video):
            # An earlier attempt was killed between the last line and its commit; its file is whole and of the same
            # request, and so are the sidecars that it put there first.
            return
        # Without their video they may be of a library that has changed since.
        for name in sidecar_names(video):
            media().delete(name)
    elif media().find(video) and not media().holds(video, draft_path(lease)):
        raise FileExistsError(video)  # known before the first sidecar
    of_video, *sidecars = _drafted(lease)
    for name, draft in (*sidecars, of_video):
        _add(lease, name, draft)


def _add(lease: Lease, name: str, draft: Path) -> None:
    try:
        media().add(name, draft)
    except FileExistsError:
        # An attempt that does not know yet that its lease is gone was faster. Or the file is this attempt's own, sent
        # to a bucket twice because the first answer was lost.
        if lease.attempt == 1 and not media().holds(name, draft):
            raise


def _drafted(lease: Lease) -> list[tuple[str, Path]]:
    """Return the name and the draft of the video, and of each sidecar that was written."""
    video = video_name(lease.task_id, user_id=lease.user_id)
    drafts = [(sidecar_name(video, sidecar), draft_sidecar(lease, sidecar)) for sidecar in SIDECARS]
    return [(video, draft_path(lease)), *((name, draft) for name, draft in drafts if draft.exists())]


def note_video(job: Job) -> None:
    """Note that the video of a job is to be removed, in the transaction that ends the job without one.

    An attempt that was killed may have left it, or one that does not know yet may still make it.
    """
    if job.attempt:
        notes.note({video_name(job.pk, user_id=job.user_id): ""})


def note_leftovers(lease: Lease) -> None:
    """Note what it published to be removed, in the transaction that fails the job, before ``remove_leftovers``."""
    for name in _published(lease):
        try:
            made = media().find(name)
        except OSError as error:
            log.warning("%s could not be looked for: %s", name, error)
            return
        if made:
            notes.note({name: made.version})


def _published(lease: Lease) -> list[str]:
    """Return the names under which files of this job may lie, the video first."""
    if lease.attempt > 1:
        video = video_name(lease.task_id, user_id=lease.user_id)
        return [video, *sidecar_names(video)]
    # Another file may have taken the name.
    return [name for name, draft in _drafted(lease) if _holds(name, draft)]


def _holds(name: str, draft: Path) -> bool:
    try:
        return media().holds(name, draft)
    except OSError as error:
        log.warning("%s could not be looked for: %s", name, error)
        return False


def remove_leftovers(lease: Lease) -> None:
    """Remove what an attempt leaves: its draft, and its video with its sidecars if no row will name it."""
    try:
        if _has_no_video(lease.task_id):
            for name in _published(lease):
                media().delete(name)
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

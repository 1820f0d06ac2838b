"""The files of a generation: a draft for each attempt, one video for each task.

A draft is written where no other attempt writes. Only the holder of the lease gives it the task's name,
and a name that is taken is never taken over.
"""

import os
import shutil
from pathlib import Path

from django.conf import settings

from apps.jobs import leases
from apps.jobs.leases import Lease
from apps.jobs.models import Job

OUTPUT = "output"
DRAFTS = ".drafts"


def output_folder() -> Path:
    return Path(settings.MEDIA_ROOT, OUTPUT)


def drafts_folder() -> Path:
    return output_folder() / DRAFTS


def video_path(task_id: str, *, user_id: int) -> Path:
    """Return where the video of a task is or will be."""
    return output_folder() / f"user_{user_id}" / f"{task_id}.mp4"


def draft_folder(lease: Lease) -> Path:
    return drafts_folder() / f"{lease.task_id}.{lease.token}"


def draft_path(lease: Lease) -> Path:
    # A folder of its own: the engine, too, writes aside, and a killed engine leaves that behind.
    return draft_folder(lease) / "video.mp4"


def publish(lease: Lease) -> None:
    """Give the draft the task's name. Raises FileExistsError if another file has it."""
    video = video_path(lease.task_id, user_id=lease.user_id)
    video.parent.mkdir(parents=True, exist_ok=True)
    try:
        video.hardlink_to(draft_path(lease))  # unlike a rename, never replaces what is there
    except FileExistsError:
        # An earlier attempt died between this line and its commit: whole, and of the same wishes.
        if lease.attempt == 1:
            raise
    _fsync(video.parent)


def clear_away(lease: Lease) -> None:
    """Remove what an attempt leaves: its draft, and its video if nobody is going to name it."""
    draft, video = draft_path(lease), video_path(lease.task_id, user_id=lease.user_id)
    made_here = lease.attempt > 1 or (draft.exists() and video.exists() and video.samefile(draft))
    remove_draft(draft_folder(lease))
    if made_here and _has_no_video(lease.task_id):
        video.unlink(missing_ok=True)


def remove_all_of(job: Job) -> None:
    """Remove what the attempts of a job left, once it has ended without a video."""
    if job.attempt and _has_no_video(job.pk):
        for folder in drafts():
            if folder.name.rpartition(".")[0] == job.pk:
                remove_draft(folder)
        video_path(job.pk, user_id=job.user_id).unlink(missing_ok=True)


def _has_no_video(task_id: str) -> bool:
    # A job that lives on may take up the file, one that is completed names it. The rest have ended for good.
    job = Job.objects.filter(pk=task_id).first()
    return job is None or job.outcome in {Job.Outcome.FAILED, Job.Outcome.CANCELLED}


def drafts() -> list[Path]:
    return sorted(drafts_folder().iterdir()) if drafts_folder().is_dir() else []


def abandoned_drafts() -> list[Path]:
    """Return the drafts of attempts that hold no lease any more."""
    # First the folders, then the leases: a lease is there before its folder.
    folders = drafts()
    held = {f"{task_id}.{token}" for task_id, token in leases.live().values_list("task_id", "token")}
    return [folder for folder in folders if folder.name not in held]


def remove_abandoned_drafts() -> None:
    for folder in abandoned_drafts():
        remove_draft(folder)


def remove_draft(folder: Path) -> None:
    # Another worker's sweep may be removing it at the same time.
    shutil.rmtree(folder, ignore_errors=True)


def _fsync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Make room: delete a whole collection, or the videos that are in no collection."""

import time
from datetime import timedelta
from pathlib import PurePosixPath

from django.conf import settings
from django.db import transaction

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.collections.selectors import choreographies_of
from apps.collections.services import REMOVALS, files_named, forget_files, remove_forgotten
from apps.jobs import leases
from apps.media.folders import folder_of
from apps.media.namings import namings
from apps.media.storage import StoredFile, media
from apps.removals import notes
from config.clock import database_now

BATCH = 200
# A request that takes longer would be cut off on its way; the page says how many are left.
AT_ONCE_S = 20.0


def delete_collection(*, user: User) -> int:
    """Delete all of a user's choreographies with their files, as many as one request can; return how many."""
    deleted, end = 0, time.monotonic() + AT_ONCE_S
    while batch := _delete_batch(user):
        deleted += batch
        if time.monotonic() > end:
            break
    return deleted


@transaction.atomic
def _delete_batch(user: User) -> int:
    doomed = list(choreographies_of(user).select_for_update()[:BATCH])
    names = [name for row in doomed for name in (row.video_path.name, row.thumbnail_path.name)]
    files = files_named(names, user_id=user.pk)
    choreographies_of(user).filter(pk__in=[row.pk for row in doomed]).delete()
    forget_files(files, user_id=user.pk, task_ids={made for row in doomed if (made := _made_from(row))})
    return len(doomed)


def _made_from(row: SavedChoreography) -> str | None:
    made = row.generation_parameters
    task_id = made.get("task_id") if isinstance(made, dict) else None
    return task_id if isinstance(task_id, str) else None


def unkept_files(user: User) -> list[StoredFile]:
    """Return the user's videos, and what belongs to them, that no choreography of the collection names.

    Young ones are left out: a video is there before the row that names it.
    """
    named = (row.name for row in namings(user_id=user.pk) if row.task_id is None)
    kept = {PurePosixPath(name).stem for name in named}
    kept |= set(leases.live().filter(user_id=user.pk).values_list("task_id", flat=True))
    old = database_now() - timedelta(seconds=settings.JOB_TIME_LIMIT_S)
    files = media().files(folder_of(user.pk))
    return [file for file in files if file.modified_at < old and not _is_of(PurePosixPath(file.name).name, kept)]


def remove_unkept_files(*, user: User) -> int:
    """Remove them; return how many they were."""
    files = unkept_files(user)
    notes.note({file.name: file.version for file in files})
    # Those that the storage does not remove now, the sweep of the workers does.
    for _ in range(-(-len(files) // REMOVALS)):
        remove_forgotten()
    return len(files)


def _is_of(name: str, videos: set[str]) -> bool:
    """Return whether a file is one of the videos, or lies beside one under its name: captions, a picture."""
    parts = name.split(".")
    return any(".".join(parts[:end]) in videos for end in range(1, len(parts)))

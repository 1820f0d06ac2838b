"""Keep choreographies, change them, delete them."""

import logging
import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import transaction

from apps.authentication.models import User
from apps.choreography import task_ids as spellings
from apps.choreography.selectors import result_of, task_of, video_name_of
from apps.collections.models import SavedChoreography
from apps.collections.naming import AUTO_SAVED_TITLE
from apps.collections.selectors import choreographies_of, choreography_from_task, choreography_of
from apps.labels.services import set_category, set_tags
from apps.media.files import files_of
from apps.media.namings import namings
from apps.media.owners import owners_of
from apps.media.sidecars import PICTURE, find_sidecar, video_beside
from apps.media.storage import StoredFile, media
from apps.quotas.limits import check_new_choreography, one_at_a_time
from apps.removals import notes
from apps.songs.of_jobs import name_of_song
from apps.songs.titles import title_of
from apps.titles.following import TitleRow, follow, follow_new
from apps.titles.words import LONGEST_TEXT

log = logging.getLogger(__name__)

# So many removals are carried out at once; the others wait for the next time.
REMOVALS = 100


def auto_save_choreography(
    *,
    choreography_id: uuid.UUID,
    user_id: int,
    task_id: str,
    song: str,
    difficulty: str,
    video_name: str,
    picture_name: str,
    duration_s: float,
) -> SavedChoreography:
    """Save what a generation made: the same row that the original writes."""
    return _create(
        id=choreography_id,
        user_id=user_id,
        task_id=task_id,
        title=AUTO_SAVED_TITLE,
        song=song,
        difficulty=difficulty,
        video_name=video_name,
        picture_name=picture_name,
        duration_s=duration_s,
    )


@transaction.atomic
def save_choreography(
    *, user: User, task_id: str, title: str | None = None, difficulty: str | None = None
) -> tuple[SavedChoreography, bool]:
    """Save a finished task's video, and say whether that is new: a task is saved once.

    Without a title or difficulty, those of the song and the request. Raises NotFoundError if there is
    no such task, ConflictError if it has no video, QuotaError if the user keeps as many as one user may.
    """
    one_at_a_time(user.pk)
    # Locked: of two requests at once the second waits here, and then finds what the first has saved.
    task = task_of(user, task_id, lock=True)
    video_name = video_name_of(task)
    existing = choreography_from_task(user, task.pk)
    if existing:
        return existing, False
    check_new_choreography(user)
    asked, seconds = task.facts.inputs, result_of(task).get("sequence_duration")
    song = name_of_song(task.pk, asked)
    saved = _create(
        id=uuid.uuid4(),
        user_id=user.pk,
        task_id=task.pk,
        title=title or (title_of(song) if song else "Untitled"),
        song=song,
        difficulty=difficulty or asked.get("difficulty", SavedChoreography.Difficulty.INTERMEDIATE),
        video_name=video_name,
        picture_name=_picture_beside(video_name, user_id=user.pk),
        duration_s=float(seconds) if isinstance(seconds, int | float) else 0.0,
    )
    return saved, True


@transaction.atomic
def save_as_the_original(*, user: User, **row: Any) -> SavedChoreography:
    """Save what the original's address was sent. Raises QuotaError if the user keeps as many as one user may."""
    one_at_a_time(user.pk)
    check_new_choreography(user)
    saved = SavedChoreography.objects.create(user=user, thumbnail_path="", **row)
    follow(user.pk, saved.pk)
    return saved


def hold_choreography(user: User, choreography_id: uuid.UUID) -> None:
    """Let no other request change it, its tags or its category until this transaction ends. Raises NotFoundError."""
    one_at_a_time(user.pk)
    choreography_of(user, choreography_id, lock=True)


@transaction.atomic
def change_choreography(
    *,
    user: User,
    choreography_id: uuid.UUID,
    title: str | None = None,
    difficulty: str | None = None,
    tags: Iterable[str] | None = None,
    category: str | None = None,
) -> SavedChoreography:
    """Write only what is given, so that two changes at once both stay; an empty category is none.

    Raises NotFoundError; InvalidError or QuotaError for tags and category.
    """
    given = {"title": title, "difficulty": difficulty}
    changes = {name: value for name, value in given.items() if value is not None}
    if tags is not None or category is not None:
        one_at_a_time(user.pk)
    if changes:
        choreographies_of(user).filter(pk=choreography_id).update(**changes)
        follow(user.pk, choreography_id)
    changed = choreography_of(user, choreography_id, lock=tags is not None or category is not None)
    if tags is not None:
        set_tags(user=user, choreography_id=changed.pk, created_at=changed.created_at, names=tags)
    if category is not None:
        set_category(user=user, choreography_id=changed.pk, created_at=changed.created_at, name=category)
    return changed


@transaction.atomic
def delete_choreography(*, user: User, choreography_id: uuid.UUID) -> None:
    """Delete the row, its video and its thumbnail. Raises NotFoundError.

    A file stays if it is not the user's, or if another row of the user names it. Rows of others keep nothing.
    """
    doomed = choreography_of(user, choreography_id, lock=True)
    names = [doomed.video_path.name, doomed.thumbnail_path.name]
    files = files_named(names, user_id=user.pk)
    made_from = doomed.generation_parameters
    task_id = made_from.get("task_id") if isinstance(made_from, dict) else None
    choreographies_of(user).filter(pk=doomed.pk).delete()
    forget_files(files, user_id=user.pk, task_ids={task_id} if isinstance(task_id, str) else set())


def files_named(names: Iterable[str | None], *, user_id: int) -> dict[str, StoredFile]:
    """Return the files of this user that rows of theirs name."""
    return {file.name: file for file in files_of([(name, user_id) for name in names if name]) if file}


def forget_files(files: Mapping[str, StoredFile], *, user_id: int, task_ids: Collection[str]) -> None:
    """Remove the files of rows that were deleted, but for those that another row of the user names.

    The tasks that made them are deleted within the hour anyway, so they do not keep them. It is noted here and done
    after the commit: a noted removal is carried out later if this process is killed, a lost file cannot be restored.
    """
    rows = namings(of_files=files, user_id=user_id)
    made_by = {spellings.uuid_of(task_id) for task_id in task_ids}
    others = [row.name for row in rows if row.task_id is None or spellings.uuid_of(row.task_id) not in made_by]
    needed = files_named(others, user_id=user_id)
    notes.note({name: file.version for name, file in files.items() if name not in needed})
    transaction.on_commit(remove_forgotten, robust=True)


def remove_forgotten() -> None:
    """Carry out the removals that were noted, but for files that the collection has again."""
    for removal in notes.noted(at_most=REMOVALS):
        notes.carry_out(removal, unless=_is_saved)


def _is_saved(name: str) -> bool:
    name = video_beside(name) or name  # a sidecar is kept and goes with its video
    file = media().find(name)
    owner_id = owners_of([file]).get(name) if file else None
    if owner_id is None:
        return False
    saved = [row.name for row in namings(of_files=[name], user_id=owner_id) if row.task_id is None]
    return name in files_named(saved, user_id=owner_id)


def _picture_beside(video_name: str, *, user_id: int) -> str:
    """Return the picture that was made with this user's video; '' without one."""
    try:
        (video,) = files_of([(video_name, user_id)])
        picture = find_sidecar(video, PICTURE) if video else None
    except OSError as error:
        log.warning("%s is kept without its picture: %s", video_name, error)
        return ""
    return picture.name if picture else ""


def _create(
    *, task_id: str, song: str, difficulty: str, video_name: str, picture_name: str, duration_s: float, **row: Any
) -> SavedChoreography:
    saved = SavedChoreography.objects.create(
        **row,
        difficulty=difficulty,
        video_path=video_name,
        # Without a picture '' rather than NULL: that is what the original writes.
        thumbnail_path=picture_name,
        duration=duration_s,
        music_info={"source": song, "difficulty": difficulty},
        generation_parameters={"difficulty": difficulty, "audio_input": song, "task_id": task_id},
    )
    follow_new(TitleRow(saved.pk, saved.user_id, saved.title, song[:LONGEST_TEXT], saved.created_at))
    return saved

"""Keep choreographies."""

import uuid
from typing import Any

from django.db import transaction

from apps.authentication.models import User
from apps.choreography.executions import request_of
from apps.choreography.selectors import result_of, task_of, video_name_of
from apps.collections.models import SavedChoreography
from apps.collections.selectors import choreography_from_task
from apps.songs.selectors import title_of

AUTO_SAVED_TITLE = "Auto-saved Choreography"


def auto_save_choreography(
    *,
    choreography_id: uuid.UUID,
    user_id: int,
    task_id: str,
    song: str,
    difficulty: str,
    video_name: str,
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
        duration_s=duration_s,
    )


@transaction.atomic
def save_choreography(
    *, user: User, task_id: str, title: str | None = None, difficulty: str | None = None
) -> tuple[SavedChoreography, bool]:
    """Save a finished task's video, and say whether that is new: a task is saved once.

    Without a title or difficulty, those of the song and the request. Raises NotFoundError if there is
    no such task, ConflictError if it has no video.
    """
    # Locked: of two clicks at once the second waits here, and then finds what the first has saved.
    task = task_of(user, task_id, lock=True)
    video_name = video_name_of(task)
    existing = choreography_from_task(user, task.pk)
    if existing:
        return existing, False
    asked, seconds = request_of(task), result_of(task).get("sequence_duration")
    song = asked.get("song", "")
    saved = _create(
        id=uuid.uuid4(),
        user_id=user.pk,
        task_id=task.pk,
        title=title or (title_of(song) if song else "Untitled"),
        song=song,
        difficulty=difficulty or asked.get("difficulty", SavedChoreography.Difficulty.INTERMEDIATE),
        video_name=video_name,
        duration_s=float(seconds) if isinstance(seconds, int | float) else 0.0,
    )
    return saved, True


def _create(
    *, task_id: str, song: str, difficulty: str, video_name: str, duration_s: float, **row: Any
) -> SavedChoreography:
    return SavedChoreography.objects.create(
        **row,
        difficulty=difficulty,
        video_path=video_name,
        # Never filled, and '' rather than NULL: that is what the original writes.
        thumbnail_path="",
        duration=duration_s,
        music_info={"source": song, "difficulty": difficulty},
        generation_parameters={"difficulty": difficulty, "audio_input": song, "task_id": task_id},
    )

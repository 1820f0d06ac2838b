"""Look saved choreographies up. Only the owner's: to everybody else they do not exist."""

import uuid
from pathlib import Path

from django.db.models import QuerySet

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.media.files import video_file
from config.errors import NotFoundError


def choreographies_of(user: User) -> QuerySet[SavedChoreography]:
    return SavedChoreography.objects.filter(user=user)


def choreography_of(user: User, choreography_id: uuid.UUID) -> SavedChoreography:
    """Return one saved choreography. Raises NotFoundError."""
    choreography = choreographies_of(user).filter(pk=choreography_id).first()
    if choreography is None:
        raise NotFoundError("There is no such choreography.", code="choreography-missing")
    return choreography


def choreography_from_task(user: User, task_id: str) -> SavedChoreography | None:
    """Return what was saved from a task, by either system."""
    return choreographies_of(user).filter(generation_parameters__task_id=task_id).first()


def video_of(choreography: SavedChoreography) -> Path:
    """Return its video. Raises NotFoundError when it is gone."""
    return video_file(choreography.video_path.name or "")

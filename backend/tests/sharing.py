"""Choreographies that are shared, for tests."""

from pathlib import Path

from django.conf import settings

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.media.owners import record_made
from apps.sharing.models import Share
from apps.sharing.services import change_share

VIDEO_BYTES = b"0123456789"
PICTURE_BYTES = b"\x89PNG\r\n\x1a\n" + b"any"


def kept_with_video(user: User, **columns: object) -> SavedChoreography:
    """Return a choreography whose video is there, and is the user's."""
    name = f"output/user_{user.pk}/{columns.pop('video', 'n.mp4')}"
    path = Path(settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(VIDEO_BYTES)
    record_made(name, user_id=user.pk)
    tidy = {"title": "Noche", "video_path": name, "difficulty": "beginner", "duration": 30.0}
    return SavedChoreography.objects.create(user=user, **(tidy | columns))


def shared(user: User, visibility: str = "public", **columns: object) -> Share:
    choreography = kept_with_video(user, **columns)
    return change_share(user=user, choreography_id=choreography.pk, visibility=visibility)


def put_picture(user: User, content: bytes = PICTURE_BYTES) -> str:
    """Write a picture of the user's; return its name."""
    name = f"thumbnails/2026/11/{user.pk}.png"
    path = Path(settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    record_made(name, user_id=user.pk)
    return name

"""Look saved choreographies up. Users see only their own; those of others count as missing."""

import math
import uuid
from collections.abc import Iterable

from django.db.models import Avg, Count, IntegerField, Q, QuerySet, Sum, TextField, UUIDField
from django.db.models.functions import Cast

from apps.authentication.models import User
from apps.choreography import task_ids
from apps.collections.models import SavedChoreography
from apps.media.files import files_of, video_file
from apps.media.sidecars import PICTURE, find_sidecar
from apps.media.storage import StoredFile
from config.errors import NotFoundError
from config.prepared import GivenValue, Prepared

# The key goes the way of the first field: then an index is entered where a page begins (config.pagination).
SORTS = {
    "newest": ("-created_at", "-pk"),
    "oldest": ("created_at", "pk"),
    "title": ("title", "pk"),
    "duration": ("-duration", "-pk"),
}


_GIVEN = {"user_id": GivenValue("user_id", IntegerField()), "pk": GivenValue("id", UUIDField())}
_ONE = {
    False: Prepared(lambda: SavedChoreography.objects.filter(**_GIVEN)),
    True: Prepared(lambda: SavedChoreography.objects.select_for_update().filter(**_GIVEN)),
}


def choreographies_of(
    user: User, *, difficulty: str = "", search: str = "", sort: str = "newest"
) -> QuerySet[SavedChoreography]:
    """Return a user's choreographies; ``search`` looks at the title and at the text of music_info, as the original."""
    mine = SavedChoreography.objects.filter(user=user)
    return found_among(mine, difficulty=difficulty, search=search, sort=sort)


def found_among(
    rows: QuerySet[SavedChoreography], *, difficulty: str = "", search: str = "", sort: str = "newest"
) -> QuerySet[SavedChoreography]:
    """Return those of the rows that match, in their order."""
    found = rows.order_by(*SORTS[sort])
    if difficulty:
        found = found.filter(difficulty=difficulty)
    if search:
        found = found.annotate(music_text=Cast("music_info", TextField()))
        found = found.filter(Q(title__icontains=search) | Q(music_text__icontains=search))
    return found


def stats_of(user: User) -> dict[str, float]:
    """Return how many choreographies there are and how long they are, under the original's names.

    Old rows may have a negative or infinite length, or NaN: such rows are counted, their lengths are not.
    """
    # In PostgreSQL NaN is greater than every number, infinity included.
    measured = Q(duration__gte=0, duration__lt=math.inf)
    by_difficulty = {
        f"{level}_count": Count("pk", filter=Q(difficulty=level)) for level in SavedChoreography.Difficulty.values
    }
    stats = SavedChoreography.objects.filter(user=user).aggregate(
        total_count=Count("pk"),
        total_duration=Sum("duration", filter=measured, default=0.0),
        avg_duration=Avg("duration", filter=measured, default=0.0),
        **by_difficulty,
    )
    return {name: stats[name] for name in ("total_count", "total_duration", "avg_duration", *by_difficulty)}


def choreography_of(user: User, choreography_id: uuid.UUID, *, lock: bool = False) -> SavedChoreography:
    """Return one saved choreography, locked until the transaction ends if wanted. Raises NotFoundError."""
    choreography = _ONE[lock].first(user_id=user.pk, id=choreography_id)
    if choreography is None:
        raise NotFoundError("There is no such choreography.", code="choreography-missing")
    return choreography


def choreography_of_a_living_user(choreography_id: uuid.UUID) -> SavedChoreography | None:
    """Return one with its user, whoever asks, for a link that was signed for it; None if the user is switched off."""
    rows = SavedChoreography.objects.select_related("user").filter(pk=choreography_id, user__is_active=True)
    return rows.first()


def choreography_from_task(user: User, task_id: str) -> SavedChoreography | None:
    """Return the choreography that either system saved from a task."""
    saved = choreographies_of(user)
    named = saved.values_list("generation_parameters__task_id", flat=True)
    ids = task_ids.spellings_of(task_id, among=(name for name in named.iterator() if isinstance(name, str)))
    return saved.filter(generation_parameters__task_id__in=ids).first()


def video_of(choreography: SavedChoreography) -> StoredFile:
    """Return its video. Raises NotFoundError when it is gone."""
    return video_file(choreography.video_path.name or "", owner_id=choreography.user_id)


def picture_of(choreography: SavedChoreography) -> StoredFile:
    """Return its picture: the thumbnail that the row names, or what was made with its video. Raises NotFoundError."""
    (named,) = files_of([(choreography.thumbnail_path.name or "", choreography.user_id)])
    video = None if named else video_or_none(choreography)
    found = named or (find_sidecar(video, PICTURE) if video else None)
    if found is None:
        raise NotFoundError("There is no picture of it.", code="picture-missing")
    return found


def video_or_none(choreography: SavedChoreography) -> StoredFile | None:
    """Return its video; None when it is gone."""
    (video,) = files_of([(choreography.video_path.name or "", choreography.user_id)])
    return video


def with_video(choreographies: Iterable[SavedChoreography]) -> set[uuid.UUID]:
    """Return the keys of those whose video is there."""
    rows = list(choreographies)
    videos = files_of([(row.video_path.name or "", row.user_id) for row in rows])
    return {row.pk for row, video in zip(rows, videos, strict=True) if video}

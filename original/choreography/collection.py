"""What a user's collection holds."""

import math
from typing import Any

from django.db.models import Avg, Count, Q, QuerySet, Sum, TextField
from django.db.models.functions import Cast

from choreography import media
from choreography.models import Difficulty, SavedChoreography
from users.models import User

SORTS = {"newest": "-created_at", "oldest": "created_at", "title": "title", "duration": "-duration"}


def found_in(user: User, *, difficulty: str, search: str, sort: str) -> QuerySet[SavedChoreography]:
    """Return what matches; a filter that does not exist is ignored."""
    found = user.choreographies.order_by(SORTS.get(sort, SORTS["newest"]), "id")
    if difficulty in Difficulty.values:
        found = found.filter(difficulty=difficulty)
    # PostgreSQL has no text with a NUL in it.
    if words := search.replace("\0", "").strip():
        found = found.annotate(music_text=Cast("music_info", TextField()))
        found = found.filter(Q(title__icontains=words) | Q(music_text__icontains=words))
    return found


def statistics_of(user: User) -> dict[str, Any]:
    """Count the collection and sum its seconds."""
    # An old row with NaN would make the sum NaN, which JSON does not have.
    timed = Q(duration__gte=0, duration__lt=math.inf)
    return user.choreographies.aggregate(
        total_count=Count("pk"),
        total_duration=Sum("duration", filter=timed, default=0.0),
        avg_duration=Avg("duration", filter=timed, default=0.0),
        **{f"{difficulty}_count": Count("pk", filter=Q(difficulty=difficulty)) for difficulty in Difficulty.values},
    )


def delete(choreography: SavedChoreography) -> None:
    """Delete the row, then its video, unless another row of the collection has the same video."""
    name = choreography.video_name
    choreography.delete()
    others = SavedChoreography.objects.filter(user=choreography.user_id, video_path__endswith=name)
    if not any(other.video_name == name for other in others):
        media.delete_video(choreography.user_id, name)

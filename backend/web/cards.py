"""What a page shows of a choreography."""

from typing import Any

from apps.collections.models import SavedChoreography
from apps.collections.naming import song_shown, title_shown


def facts_of(choreography: SavedChoreography, *, has_video: bool) -> dict[str, Any]:
    """Return what both a card and a page of its own show, whoever looks."""
    return {
        "choreography": choreography,
        "title": title_shown(choreography),
        "song": song_shown(choreography),
        "has_video": has_video,
        # As the row says: looking for each picture would ask the storage once more for each card.
        "has_picture": bool(choreography.thumbnail_path),
    }

"""What a page shows of a choreography."""

from typing import Any

from apps.collections.models import SavedChoreography
from apps.collections.naming import AUTO_SAVED_TITLE, UNTITLED, song_shown, title_shown
from web.language import translated


def facts_of(choreography: SavedChoreography, *, has_video: bool) -> dict[str, Any]:
    """Return what both a card and a page of its own show, whoever looks."""
    title = title_shown(choreography)
    return {
        "choreography": choreography,
        # Only what the systems call it themselves: a dancer's own title is never translated.
        "title": translated(title) if title in {AUTO_SAVED_TITLE, UNTITLED} else title,
        "song": song_shown(choreography),
        "has_video": has_video,
        # As the row says: looking for each picture would ask the storage once more for each card.
        "has_picture": bool(choreography.thumbnail_path),
    }

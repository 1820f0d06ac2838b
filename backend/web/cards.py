"""What a page shows of a choreography."""

import math
from typing import Any

from apps.collections.models import SavedChoreography
from apps.collections.naming import song_shown, title_shown


def facts_of(choreography: SavedChoreography, *, has_video: bool) -> dict[str, Any]:
    """Return what both a card and a page of its own show, whoever looks."""
    long_enough = math.isfinite(choreography.duration) and choreography.duration > 0
    return {
        "choreography": choreography,
        "title": title_shown(choreography),
        "song": song_shown(choreography),
        "has_video": has_video,
        # A still from the middle: all begin with the same intro.
        "still_s": round(choreography.duration / 2) if long_enough else 0,
    }

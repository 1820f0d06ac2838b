"""How a saved choreography is called for people."""

from pathlib import PurePosixPath

from django.utils.translation import gettext_noop

from apps.collections.models import SavedChoreography
from apps.songs.titles import title_of

# In the database and for programs both are English; pages translate them.
AUTO_SAVED_TITLE = gettext_noop("Auto-saved Choreography")
UNTITLED = gettext_noop("Untitled")


def title_shown(choreography: SavedChoreography) -> str:
    """Return its title. All auto-saved choreographies have the same one; the song tells them apart."""
    song = song_shown(choreography)
    return song if song and choreography.title == AUTO_SAVED_TITLE else choreography.title or UNTITLED


def song_shown(choreography: SavedChoreography) -> str:
    """Return the song's title; empty if the row does not name it, as in some old rows."""
    source = choreography.music_info.get("source") if isinstance(choreography.music_info, dict) else None
    return title_of(PurePosixPath(source).name) if isinstance(source, str) and source else ""

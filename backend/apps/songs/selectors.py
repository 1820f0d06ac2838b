"""Look songs up: a user's own, and those of the common folder."""

import re
from dataclasses import dataclass
from datetime import datetime

from apps.authentication.models import User
from apps.media.storage import StoredFile
from apps.songs.common import missing, song_files, song_named
from apps.songs.models import OwnSong, Song
from apps.songs.titles import title_of

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class ListedSong:
    """A song as its listener sees it. Of a song of the common folder less is known."""

    id: str
    title: str
    size: int
    added_at: datetime
    duration_s: float | None = None
    tempo_bpm: float | None = None
    is_mine: bool = False


def songs_for(user: User) -> list[ListedSong]:
    """Return the user's own songs by title, then everybody's by title."""
    rows = {song.file_name: song for song in Song.objects.all()}
    common = [common_song(file, rows.get(file.name)) for file in song_files()]
    own = [listed(song) for song in own_songs(user)]
    return sorted(own + common, key=lambda song: (not song.is_mine, song.title.casefold(), song.id))


def song_for(user: User, song: str) -> ListedSong:
    """Return one song that the user may dance to. Raises NotFoundError."""
    if is_own_id(song):
        return listed(own_song(user, song))
    file = song_named(song)
    return common_song(file, Song.objects.filter(file_name=file.name).first())


def check_song(user: User, song: str) -> None:
    """Raise NotFoundError unless the user may dance to this song."""
    if is_own_id(song):
        own_song(user, song)
    else:
        song_named(song)


def is_own_id(song: str) -> bool:
    """Return whether this is the id of an own song; the others are named by their file, which ends in mp3."""
    return _ID.fullmatch(song) is not None


def own_songs(user: User) -> list[OwnSong]:
    return list(OwnSong.objects.filter(user=user).select_related("recording"))


def own_song(user: User, song_id: str, *, lock: bool = False) -> OwnSong:
    """Return a song of the user, with its recording. Raises NotFoundError, also for another user's."""
    songs = OwnSong.objects.select_related("recording")
    if lock:
        songs = songs.select_for_update(of=("self",))
    song = songs.filter(user=user, pk=song_id).first() if is_own_id(song_id) else None
    if song is None:
        raise missing(song_id)
    return song


def listed(song: OwnSong) -> ListedSong:
    return ListedSong(
        id=str(song.pk),
        title=song.title,
        size=song.recording.size,
        added_at=song.uploaded_at,
        duration_s=song.recording.duration_s,
        tempo_bpm=song.recording.tempo_bpm,
        is_mine=True,
    )


def common_song(file: StoredFile, row: Song | None) -> ListedSong:
    return ListedSong(
        id=file.name,
        title=row.title if row else title_of(file.name),
        size=file.size,
        added_at=file.modified_at,
        duration_s=row.duration_s if row else None,
    )

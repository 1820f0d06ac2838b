"""Look songs up: the files in their storage, which either system or an operator may have added."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from apps.media import storage
from apps.media.storage import StoredFile
from apps.songs.models import Song
from config.errors import NotFoundError


@dataclass(frozen=True)
class SongFile:
    """The file of a song. Only songs uploaded here have a length and an owner."""

    name: str
    title: str
    size: int
    added_at: datetime
    duration_s: float | None = None
    uploaded_by_id: int | None = None


def songs() -> list[SongFile]:
    """Return every song by title: the original's too, which have a file and no row."""
    rows = {song.file_name: song for song in Song.objects.all()}
    found = [song_file(file, rows.get(file.name)) for file in song_files()]
    return sorted(found, key=lambda song: (song.title.casefold(), song.name))


def song_files() -> list[StoredFile]:
    # A hidden file is one that is still being written.
    listed = [file for file in storage.songs().files() if not file.name.startswith(".")]
    return [file for file in listed if is_song(file.name) and "/" not in file.name]


def is_song(name: str) -> bool:
    return name.lower().endswith(".mp3")


def song_file(file: StoredFile, row: Song | None) -> SongFile:
    return SongFile(
        name=file.name,
        title=row.title if row else title_of(file.name),
        size=file.size,
        added_at=file.modified_at,
        duration_s=row.duration_s if row else None,
        uploaded_by_id=row.uploaded_by_id if row else None,
    )


def title_of(name: str) -> str:
    """Return a title for people: ``mi_corazon.mp3`` is "mi corazon"."""
    return " ".join(Path(name).stem.replace("_", " ").replace("-", " ").split()) or name


def song_named(name: str) -> StoredFile:
    """Return the file of the song ``name``. Raises NotFoundError."""
    file = storage.songs().find(name) if "/" not in name and is_song(name) else None
    if file is None:
        raise NotFoundError(f"There is no song {name!r}.", code="song-missing")
    return file


def song_path(name: str, *, folder: Path) -> Path:
    """Return the song as a file of this machine, in ``folder`` if it has to be fetched. Raises NotFoundError."""
    return storage.songs().fetch(song_named(name).name, folder)
